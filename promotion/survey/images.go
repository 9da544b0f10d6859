package survey

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"ferry/promotion/manifest"
)

// image is one image of an app.
type image struct {
	name string
	in   map[string]string // by the spot's value, where an environment pulls it under another name
}

// owns tells whether a tag is that of one of the app's images.
func (a *app) owns(t tag) bool {
	return slices.ContainsFunc(a.images, func(i image) bool { return t.image == i.nameIn(t.env) })
}

func (i image) nameIn(env string) string {
	return cmp.Or(i.in[env], i.name)
}

// chooseImages finds the images that are the app's own, and says why the others are left out.
func (a *app) chooseImages(w *work) {
	envs := map[string]bool{}
	tags := map[string]map[string]string{} // by image and environment
	for _, t := range a.tags {
		envs[t.env] = true
		if tags[t.image] == nil {
			tags[t.image] = map[string]string{}
		}
		tags[t.image][t.env] = t.tag
	}
	var own, reasons []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		switch {
		case isThirdParty(name):
			reasons = append(reasons, "image "+name+" of "+a.found+"\x00a third party's image; Ferry promotes what you build")
		case !isImageName(name):
			reasons = append(reasons, "image "+name+" of "+a.found+"\x00it is not written like the name of an image")
		default:
			own = append(own, name)
		}
	}
	a.images = joinRegistries(a.dropStill(own, tags, w), tags)
	switch {
	case len(own) == 0:
		a.spoiled = "it has only images of third parties (" + someOf(slices.Sorted(maps.Keys(tags))) + "); Ferry promotes what you build"
		return
	case len(a.environments()) < 2:
		a.spoiled = fmt.Sprintf("it has an image in one environment only (%s): there is nowhere to promote it to", strings.Join(a.environments(), ""))
	}
	for _, r := range reasons {
		what, reason, _ := strings.Cut(r, "\x00")
		w.leave(what, reason)
	}
}

// dropStill leaves out images with one tag in all environments beside one that differs and is called like the app.
func (a *app) dropStill(own []string, tags map[string]map[string]string, w *work) []string {
	moves := func(name string) bool {
		values := slices.Collect(maps.Values(tags[name]))
		return len(slices.Compact(slices.Sorted(slices.Values(values)))) > 1
	}
	if !slices.ContainsFunc(own, func(name string) bool {
		return moves(name) && strings.Contains(path.Base(name), strings.ToLower(a.found))
	}) {
		return own
	}
	return slices.DeleteFunc(own, func(name string) bool {
		still := len(tags[name]) > 1 && !moves(name) && !strings.Contains(path.Base(name), strings.ToLower(a.found))
		if still {
			w.leave(fmt.Sprintf("image %s of %s", name, a.found), "it has one tag in every environment while the app's own differs: it does not move with the app")
		}
		return still
	})
}

// joinRegistries makes one image of those that are called alike and stand in different environments: each pulls it from elsewhere.
func joinRegistries(names []string, tags map[string]map[string]string) []image {
	byBase := map[string][]string{}
	for _, n := range names {
		byBase[path.Base(n)] = append(byBase[path.Base(n)], n)
	}
	var out []image
	for _, base := range slices.Sorted(maps.Keys(byBase)) {
		group := byBase[base]
		if len(group) > 1 && disjoint(group, tags) {
			out = append(out, joined(group, tags))
			continue
		}
		for _, n := range group {
			out = append(out, image{name: n})
		}
	}
	slices.SortFunc(out, func(a, b image) int { return strings.Compare(a.name, b.name) })
	return out
}

func disjoint(names []string, tags map[string]map[string]string) bool {
	seen := map[string]bool{}
	for _, n := range names {
		for env := range tags[n] {
			if seen[env] {
				return false
			}
			seen[env] = true
		}
	}
	return true
}

// joined takes the name that most environments use.
func joined(names []string, tags map[string]map[string]string) image {
	main := slices.MaxFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(tags[a]), len(tags[b])), strings.Compare(b, a))
	})
	i := image{name: main, in: map[string]string{}}
	for _, n := range names {
		for env := range tags[n] {
			if n != main {
				i.in[env] = n
			}
		}
	}
	return i
}

// isThirdParty tells images that nobody builds for this repository: of registries and organisations that publish software, and the
// well-known names without an organisation.
func isThirdParty(name string) bool {
	host := hostOf(name)
	rest := strings.TrimPrefix(strings.TrimPrefix(name, host), "/")
	owner, last := path.Dir(rest), path.Base(rest)
	switch {
	case host == "" || host == "docker.io" || host == "index.docker.io":
		if owner == "." || owner == "library" {
			return isWellKnown(last)
		}
	case slices.Contains([]string{"registry.k8s.io", "k8s.gcr.io", "mcr.microsoft.com", "public.ecr.aws", "docker.elastic.co", "nvcr.io", "registry.access.redhat.com"}, host):
		return true
	}
	top, _, _ := strings.Cut(rest, "/")
	return slices.Contains([]string{
		"bitnami", "bitnamilegacy", "prom", "prometheus", "prometheus-operator", "grafana", "jaegertracing", "jetstack", "fluxcd", "argoproj", "argoprojlabs", "hashicorp",
		"istio", "envoyproxy", "linkerd", "kiali", "traefik", "fluent", "otel", "open-telemetry", "elastic", "confluentinc", "oauth2-proxy", "dexidp", "keycloak", "cloudsql-docker",
		"cloud-sql-connectors", "google-containers", "google-samples", "distroless", "cert-manager", "external-secrets", "external-dns", "kyverno", "cilium", "calico", "rancher",
		"strimzi", "minio", "sealed-secrets-controller", "ingress-nginx", "metallb", "velero", "datadog", "newrelic", "nginxinc", "zalando", "cloudnative-pg", "localstack",
	}, top)
}

func isWellKnown(last string) bool {
	return slices.Contains([]string{
		"redis", "postgres", "postgresql", "mysql", "mariadb", "mongo", "mongodb", "memcached", "rabbitmq", "kafka", "zookeeper", "nats", "nginx", "httpd", "haproxy", "envoy",
		"traefik", "caddy", "varnish", "busybox", "alpine", "debian", "ubuntu", "fedora", "centos", "elasticsearch", "kibana", "logstash", "opensearch", "influxdb", "cassandra",
		"consul", "vault", "python", "node", "golang", "openjdk", "eclipse-temurin", "php", "ruby", "registry", "docker", "adminer", "wordpress", "ghost", "nextcloud", "valkey",
		"couchdb", "neo4j", "telegraf", "fluentd", "fluent-bit", "sonarqube", "maven", "gradle", "composer", "bash", "hello-world",
	}, last)
}

// imageForm is how the OCI distribution specification writes a registry and a repository.
var imageForm = regexp.MustCompile(`^([A-Za-z0-9-]+((\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?|:[0-9]{1,5})/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// isImageName tells names that the configuration takes.
func isImageName(name string) bool { return len(name) <= 255 && imageForm.MatchString(name) }

// namer finds the name that belongs to a tag without one, where another file of values has it under the same keys.
type namer struct{ places map[[2]string][]named } // by keys, and a folder or one part of a path in angle brackets

type named struct{ path, repository string }

func newNamer(files []File) *namer {
	n := &namer{places: map[[2]string][]named{}}
	for _, f := range files {
		for _, v := range f.listing.Values {
			if v.Repository == "" {
				continue
			}
			one := named{f.Path, v.Repository}
			dir := path.Dir(f.Path)
			n.add(v.Keys, dir, one)
			for segment := range strings.SplitSeq(dir, "/") {
				n.add(v.Keys, "<"+segment+">", one)
			}
			n.add(v.Keys, "<"+path.Base(v.Repository)+">", one)
		}
	}
	return n
}

func (n *namer) add(keys, place string, one named) {
	n.places[[2]string{keys, place}] = append(n.places[[2]string{keys, place}], one)
}

// find returns the name for a tag of a file: from the nearest folder upward, else from a file or of an image that is called like the app.
func (n *namer) find(file, app string, v manifest.ValuesImage) (string, bool) {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if list := n.places[[2]string{v.Keys, dir}]; len(list) > 0 {
			return only(list)
		}
		if dir == "." {
			break
		}
	}
	return only(n.places[[2]string{v.Keys, "<" + app + ">"}])
}

// only returns the one name that all have.
func only(list []named) (string, bool) {
	for _, one := range list {
		if one.repository != list[0].repository {
			return "", false
		}
	}
	if len(list) == 0 {
		return "", false
	}
	return list[0].repository, true
}

func joinKeys(keys, last string) string {
	if keys == "" {
		return last
	}
	return keys + "." + last
}

// looksLikeImage tells the tags of images from other values that are called tag.
func looksLikeImage(keys, last string) bool {
	return strings.Contains(strings.ToLower(keys+"."+last), "image")
}
