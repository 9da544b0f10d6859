package survey

import (
	"slices"
	"strings"
	"unicode"
)

// stage is how far an environment is from production, by its name.
type stage int

// The stages, from where images arrive to where users are. Those of one group are told apart because somebody who has both promotes
// from one to the other, which is a guess that the report says.
const (
	unknownStage stage = iota
	devStage
	intStage
	testStage
	qaStage
	loadStage
	stagingStage
	uatStage
	preprodStage
	canaryStage
	prodStage
	recoveryStage
)

// group returns the number that stages share whose order is a guess.
func (s stage) group() int {
	switch s {
	case devStage:
		return 1
	case intStage, testStage, qaStage, loadStage:
		return 2
	case stagingStage, uatStage, preprodStage:
		return 3
	case canaryStage:
		return 4
	case prodStage, recoveryStage:
		return 5
	}
	return 0
}

// stageOf returns the stage that a word stands for, unknownStage where it is none of the well-known ones.
func stageOf(word string) stage {
	switch strings.TrimRight(strings.ToLower(word), "0123456789") {
	case "dev", "develop", "development", "devel", "sandbox", "sbx", "alpha":
		return devStage
	case "int", "integration", "ci":
		return intStage
	case "test", "tst", "testing", "sit":
		return testStage
	case "qa", "quality":
		return qaStage
	case "load", "perf", "performance", "loadtest":
		return loadStage
	case "staging", "stage", "stg", "stag", "beta", "nonprod":
		return stagingStage
	case "uat", "acc", "acceptance", "accept":
		return uatStage
	case "preprod", "preproduction", "preprd", "pre", "rc":
		return preprodStage
	case "canary":
		return canaryStage
	case "prod", "production", "prd", "live":
		return prodStage
	case "dr":
		return recoveryStage
	}
	return unknownStage
}

// isPreview tells environments that come and go with a pull request, or live on one machine.
func isPreview(words []string) bool {
	for i, w := range words {
		switch strings.ToLower(w) {
		case "preview", "previews", "review", "ephemeral", "feature", "local", "localhost", "minikube", "kind":
			return true
		case "pr", "mr":
			if i+1 < len(words) && isNumber(words[i+1]) {
				return true
			}
		}
	}
	return false
}

// isShared tells folders that stand for no environment but for what several share.
func isShared(word string) bool {
	switch strings.ToLower(strings.Trim(word, "_.")) {
	case "base", "bases", "common", "shared", "default", "defaults", "global", "all", "template", "templates", "lib", "library", "component", "components",
		"generic", "root", "variants", "patches", "crds":
		return true
	}
	return false
}

// holdsEnvironments tells folders whose folders are environments, whatever they are called.
func holdsEnvironments(word string) bool {
	switch strings.ToLower(word) {
	case "overlays", "overlay", "environments", "environment", "envs", "env", "clusters", "cluster", "stages", "targets", "tiers":
		return true
	}
	return false
}

// isPlace tells words that tell environments of one stage apart: regions, clouds, clusters.
func isPlace(word string) bool {
	word = strings.TrimRight(strings.ToLower(word), "0123456789")
	return word == "" || slices.Contains([]string{
		"eu", "us", "uk", "asia", "apac", "emea", "amer", "latam", "na", "ap", "sa", "ca", "af", "me", "de", "fr", "jp", "cn", "au", "sg", "ie", "europe", "america",
		"australia", "africa", "northamerica", "southamerica", "east", "west", "north", "south", "central", "northeast", "northwest", "southeast", "southwest",
		"eastus", "westus", "westeurope", "northeurope", "weu", "neu", "aws", "gcp", "azure", "gke", "eks", "aks", "onprem", "cluster", "k8s", "blue", "green",
		"primary", "secondary", "region", "a", "b", "c", "env", "gpu",
	}, word)
}

// isGeneric tells folders and files whose name says nothing about the app.
func isGeneric(word string) bool {
	switch strings.ToLower(strings.Trim(word, "_.")) {
	case "apps", "app", "applications", "application", "services", "service", "svc", "microservices", "workloads", "workload", "projects", "project", "teams", "tenants",
		"releases", "release", "helmrelease", "helmreleases", "deploy", "deployment", "deployments", "deploys", "statefulset", "daemonset", "cronjob", "cronjobs",
		"job", "rollout", "pod", "k8s", "kubernetes", "kube", "manifests", "manifest", "charts", "chart", "helm", "helm-charts", "kustomize", "kustomization", "values", "value",
		"config", "configs", "configuration", "gitops", "argocd", "argo-cd", "argo", "flux", "fluxcd", "infra", "infrastructure", "platform", "compose", "docker-compose", "docker",
		"stack", "stacks", "yaml", "src", "main", "version", "versions", "image", "images", "patch", "resources", "namespaces", "namespace", "ns", "base", "index", "all",
		"fleet", "environment-repository", "ops", "cd", "delivery", "applicationset", "appset", "settings", "params", "parameters", "tag", "tags":
		return true
	}
	return holdsEnvironments(word) || isShared(word)
}

func isNumber(word string) bool {
	return word != "" && strings.Trim(word, "0123456789") == ""
}

// token is one word of a path's segment: segment[start:end].
type token struct {
	start, end int
	text       string
}

// tokens returns the words of a segment, which "-", "_", "." and "+" part.
func tokens(segment string) []token {
	var list []token
	start := 0
	for i := 0; i <= len(segment); i++ {
		if i == len(segment) || strings.IndexByte("-_.+", segment[i]) >= 0 {
			if i > start {
				list = append(list, token{start, i, segment[start:i]})
			}
			start = i + 1
		}
	}
	return list
}

func texts(list []token) []string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = t.text
	}
	return words
}

// slug makes a name of a text: lower case, accents and other scripts left out; "" where nothing is left.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '.' || r == '_' || r == '-' || r == ' ' || r == '/':
			b.WriteByte('-')
		case unicode.IsLetter(r):
			b.WriteString(plainLetter(r))
		}
	}
	name := b.String()
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.Trim(name, "-")
	return strings.Trim(name[:min(len(name), 63)], "-")
}

// plainLetter writes the accented letters of European names in ASCII; "" for any other script.
func plainLetter(r rune) string {
	for _, pair := range []struct{ letters, plain string }{
		{"àáâãåāăą", "a"}, {"äæ", "ae"}, {"çćč", "c"}, {"ďđð", "d"}, {"èéêëēęě", "e"}, {"ğ", "g"}, {"ìíîïīı", "i"}, {"łľ", "l"}, {"ñńň", "n"},
		{"òóôõőō", "o"}, {"öøœ", "oe"}, {"řŕ", "r"}, {"śšş", "s"}, {"ß", "ss"}, {"ťț", "t"}, {"ùúûůűū", "u"}, {"ü", "ue"}, {"ýÿ", "y"}, {"źżž", "z"}, {"þ", "th"},
	} {
		if strings.ContainsRune(pair.letters, r) {
			return pair.plain
		}
	}
	return ""
}
