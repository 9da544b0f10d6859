package promotion_test

import (
	"strings"
	"testing"

	"ferry/promotion"
	"ferry/promotion/config"
)

// guarded are two apps in dev and prod, and what people have put before them.
const guarded = `apiVersion: ferry/v1
environments:
- name: dev
- {name: prod, from: [dev]}
apps:
- {name: cart, group: shop, images: [x/cart], manifests: ["cart/{env}.yaml"]}
- {name: till, images: [x/till], manifests: ["till/{env}.yaml"]}
`

// TestStopsChanges: what people have stopped and would go on without that under the same manifest is named; so is a stop that would stop nothing at all.
func TestStopsChanges(t *testing.T) {
	t.Parallel()
	block := func(environment string) promotion.Block {
		return promotion.Block{App: "cart", Environment: environment, Image: promotion.Image{Tag: "1.1.0"}, Actor: "ann"}
	}
	hotfix := promotion.Mended{Place: config.Place{App: "cart", Environment: "prod"}, Hotfix: promotion.Hotfix{Release: release("1.0.1"), Actor: "ann"}}
	live := []string{"{name: prod,", "{name: live, dir: prod,"}
	basket := []string{"{name: cart,", "{name: basket,", "cart/{env}", "cart/{env}"}
	was := func(renamed []string, name string) []string {
		return append([]string{renamed[1], strings.Replace(renamed[1], "{", "{was: "+name+", ", 1)}, renamed...)
	}
	for name, test := range map[string]struct {
		edit  []string
		stops promotion.Stops
		gone  []string // files
		want  string
	}{
		"nothing":                         {nil, promotion.Stops{Holds: []promotion.Hold{{App: "cart", Actor: "ann"}}}, nil, ""},
		"an environment's freeze":         {live, promotion.Stops{Freezes: []promotion.Freeze{{Environment: "prod", Actor: "ann"}}}, nil, "ann's freeze of prod would not cover anything any more"},
		"with was":                        {was(live, "prod"), promotion.Stops{Freezes: []promotion.Freeze{{Environment: "prod", Actor: "ann"}}}, nil, ""},
		"an app's hold":                   {basket, promotion.Stops{Holds: []promotion.Hold{{App: "cart", Actor: "ann"}}}, nil, "ann's hold of cart would not cover anything any more"},
		"an app's hold, with was":         {was(basket, "cart"), promotion.Stops{Holds: []promotion.Hold{{App: "cart", Actor: "ann"}}}, nil, ""},
		"everything is held":              {basket, promotion.Stops{Holds: []promotion.Hold{{Actor: "ann"}}}, nil, ""},
		"who joined a group that is held": {[]string{"group: shop, ", ""}, promotion.Stops{Holds: []promotion.Hold{{App: "shop", Actor: "ann"}}}, nil, "ann's hold of shop would not cover anything any more"},
		"who was in it then":              {[]string{"group: shop, ", ""}, promotion.Stops{Holds: []promotion.Hold{{App: "shop", Apps: []string{"cart"}, Actor: "ann"}}}, nil, ""},
		"one of two":                      {[]string{"{name: cart,", "{name: basket,"}, promotion.Stops{Freezes: []promotion.Freeze{{App: "shop", Apps: []string{"cart", "till"}, Environment: "prod", Actor: "ann"}}}, nil, ""},
		"one of two, apart":               {[]string{"{name: cart, group: shop,", "{name: basket,"}, promotion.Stops{Freezes: []promotion.Freeze{{App: "shop", Apps: []string{"cart", "till"}, Environment: "prod", Actor: "ann"}}}, nil, "ann's freeze of shop in prod would not cover basket in prod any more"},
		"a block":                         {live, promotion.Stops{Blocks: []promotion.Block{block("prod")}}, nil, "ann's block of cart 1.1.0 in prod would not cover anything any more"},
		"a block upstream":                {[]string{", from: [dev]", ""}, promotion.Stops{Blocks: []promotion.Block{block("dev")}}, nil, "ann's block of cart 1.1.0 in dev would not cover cart in prod any more"},
		"a block everywhere":              {live, promotion.Stops{Blocks: []promotion.Block{block("")}}, nil, ""},
		"a hotfix":                        {basket, promotion.Stops{Mended: []promotion.Mended{hotfix}}, nil, "ann's hotfix 1.0.1 of cart in prod would not cover anything any more"},
		"a hotfix, with was":              {was(basket, "cart"), promotion.Stops{Mended: []promotion.Mended{hotfix}}, nil, ""},
		"an app goes, with its files":     {[]string{`- {name: till, images: [x/till], manifests: ["till/{env}.yaml"]}` + "\n", ""}, promotion.Stops{Holds: []promotion.Hold{{Environment: "prod", Actor: "ann"}}}, []string{"till/prod.yaml", "till/dev.yaml"}, ""},
		"it covered nothing before":       {live, promotion.Stops{Holds: []promotion.Hold{{App: "gone", Actor: "ann"}}}, nil, ""},
	} {
		apps := map[string][]string{"cart": {"cart/dev.yaml", "cart/prod.yaml"}, "till": {"till/dev.yaml", "till/prod.yaml"}}
		p := promotion.Proposal{}
		for _, path := range test.gone {
			p.Files = append(p.Files, promotion.ProposedFile{Path: path, Gone: true})
		}
		edit := guarded
		for i := len(test.edit) - 2; i >= 0; i -= 2 {
			edit = strings.Replace(edit, test.edit[i], test.edit[i+1], 1)
		}
		var got []string
		for _, c := range promotion.StopsChanges(parsed(t, guarded), parsed(t, edit), p.Sites(apps), test.stops) {
			if c.Leaning != promotion.Loosens {
				t.Errorf("%s: %+v", name, c)
			}
			got = append(got, c.Words)
		}
		if words := strings.Join(got, "\n"); words != test.want {
			t.Errorf("%s: %q, want %q", name, words, test.want)
		}
	}
}

// TestSettingsChangesOfHeirs: who takes over the manifests of what is gone, and does not say that it is the same, is compared with it, and has none of its
// history.
func TestSettingsChangesOfHeirs(t *testing.T) {
	t.Parallel()
	apps := map[string][]string{"cart": {"cart/dev.yaml", "cart/prod.yaml"}, "till": {"till/dev.yaml", "till/prod.yaml"}}
	strict := strings.Replace(guarded, "from: [dev]}", "from: [dev], approvals: 2}", 1)
	for name, test := range map[string]struct{ was, will, want string }{
		"an environment": {strict, strings.Replace(guarded, "{name: prod,", "{name: live, dir: prod,", 1),
			"l prod is gone, and live has its manifests without its history, holds and freezes (was: prod carries them over)\nl approvals of live 2 → 0"},
		"an app": {guarded, strings.Replace(guarded, "{name: cart,", "{name: basket,", 1),
			"l cart: basket has its manifests without its history, holds and freezes (was: cart carries them over)"},
		"its manifests go too": {strict, strings.Replace(guarded, "{name: prod,", "{name: live,", 1), "c prod is gone\nc live is new"},
	} {
		if got := settingsWords(promotion.SettingsChanges(parsed(t, test.was), parsed(t, test.will), apps)); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// TestUpdateLeans: what comes without a pull request comes past everybody.
func TestUpdateLeans(t *testing.T) {
	t.Parallel()
	order := []string{"none", "pr", "commit"}
	with := func(way string) *config.Config {
		return parsed(t, strings.Replace(guarded, "- name: dev\n", "- {name: dev, update: "+way+"}\n", 1))
	}
	for i, was := range order {
		for j, will := range order {
			want := ""
			if words := " update of dev " + was + " → " + will; i < j {
				want = "l" + words
			} else if i > j {
				want = "t" + words
			}
			if got := settingsWords(promotion.SettingsChanges(with(was), with(will), nil)); got != want {
				t.Errorf("%s to %s: %q, want %q", was, will, got, want)
			}
		}
	}
}
