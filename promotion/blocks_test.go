package promotion_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// blockIn puts blocks at the environments of a world, as a snapshot has them.
func blockIn(w *world, blocks ...promotion.Block) {
	for i := range w.s.Environments {
		e := &w.s.Environments[i]
		e.Blocks = promotion.Stops{Blocks: blocks}.BlocksOn("checkout", e.Name, func(name string) []string { return w.env(name).From })
	}
}

func bad(tag, environment string) promotion.Block {
	return promotion.Block{App: "checkout", Environment: environment, Image: promotion.Image{Tag: tag}, Actor: "ann", Reason: "it loses orders"}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	digest, other := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	with := func(b promotion.Block, i promotion.Image) promotion.Block { b.Image = i; return b }
	for _, test := range []struct {
		name  string
		stood string // in dev
		block promotion.Block
		want  string // in staging
	}{
		{"everywhere", "1.1.0", bad("1.1.0", ""), ""},
		{"here", "1.1.0", bad("1.1.0", "staging"), ""},
		{"upstream", "1.1.0", bad("1.1.0", "dev"), ""},
		{"downstream", "1.1.0", bad("1.1.0", "prod"), "1.1.0"},
		{"another release", "1.1.0", bad("1.1", ""), "1.1.0"},
		{"another app's", "1.1.0", promotion.Block{App: "cart", Image: promotion.Image{Tag: "1.1.0"}}, "1.1.0"},
		{"this image", "1.1.0", with(bad("", ""), promotion.Image{Name: image, Tag: "1.1.0"}), ""},
		{"another image", "1.1.0", with(bad("", ""), promotion.Image{Name: "ghcr.io/acme/cart", Tag: "1.1.0"}), "1.1.0"},
		{"this digest", "1.1.0@" + digest, with(bad("", ""), promotion.Image{Digest: digest}), ""},
		{"a digest that is not known here", "1.1.0", with(bad("", ""), promotion.Image{Digest: digest}), "1.1.0"},
		{"tag and digest", "1.1.0@" + digest, with(bad("", ""), promotion.Image{Tag: "1.1.0", Digest: digest}), ""},
		{"the tag with another digest", "1.1.0@" + digest, with(bad("", ""), promotion.Image{Tag: "1.1.0", Digest: other}), "1.1.0"},
		{"the tag whose digest is not known here", "1.1.0", with(bad("", ""), promotion.Image{Tag: "1.1.0", Digest: digest}), ""},
	} {
		w := line(t)
		blockIn(w, test.block)
		w.arrive("dev", test.stood)
		if _, open := w.wishes["staging"]; open != (test.want != "") {
			t.Errorf("%s: open is %+v, want %q", test.name, w.wishes["staging"], test.want)
		}
		if why := w.cell("staging").Why; test.want == "" && !strings.Contains(why, "ann blocks checkout") {
			t.Errorf("%s: nothing comes, for %q", test.name, why)
		}
	}
}

func TestBlockClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{false, true} {
		w := line(t)
		w.arrive("dev", "1.1.0")
		w.proposed("staging", "1.1.0")
		if held {
			w.env("staging").Holds = []promotion.Hold{{Actor: "bob", Environment: "staging"}}
		}
		blockIn(w, bad("1.1.0", ""))
		w.look()
		w.proposed("staging", "")
		if why := w.cell("staging").Why; why != "ann blocks checkout 1.1.0: it loses orders (/unblock checkout 1.1.0 lifts it)" && !held {
			t.Errorf("it is closed for %q", why)
		}
		w.env("staging").Intent = &promotion.Intent{Release: release("1.1.0"), Actor: "bob", At: w.now}
		w.look()
		if w.env("staging").Intent != nil {
			t.Error("what was asked for is pending")
		}
		w.env("staging").Holds = nil
		w.arrive("dev", "1.2.0")
		w.proposed("staging", "1.2.0")
		blockIn(w)
		w.look()
		w.proposed("staging", "1.2.0")
	}
}

// TestBlockedUpstreamGoesNoFurther: it stood in staging and converged there before somebody blocked it.
func TestBlockedUpstreamGoesNoFurther(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.arrive("staging", "1.1.0")
	w.proposed("prod", "1.1.0")
	blockIn(w, bad("1.1.0", "staging"))
	w.look()
	w.proposed("prod", "")
	blockIn(w)
	w.look()
	w.proposed("prod", "1.1.0")
}

func TestHandMadeGatesOfBlocks(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(ferryYAML))
	if err != nil {
		t.Fatal(err)
	}
	const changes = `[{"App":"checkout","Environment":"prod","Images":[{"name":"ghcr.io/acme/checkout","tag":"1.1.0"}]}]`
	for environment, want := range map[string]forge.State{"": forge.Failure, "prod": forge.Failure, "dev": forge.Failure, "qa": forge.Success} {
		got, _, err := promotion.HandMadeGates(c, sha(5), []byte(changes), promotion.Stops{Blocks: []promotion.Block{bad("1.1.0", environment)}}, time.Now())
		if err != nil || got.State != want || want == forge.Failure && !strings.Contains(got.Description, "it changes checkout in prod; block: ann blocks checkout 1.1.0") {
			t.Errorf("blocked in %q: %+v, %v", environment, got, err)
		}
	}
}

func TestOnePerPlace(t *testing.T) {
	t.Parallel()
	a, b := promotion.Image{Name: "a", Tag: "1"}, promotion.Image{Name: "b", Tag: "2"}
	cart, web := config.Place{App: "cart", Environment: "dev"}, config.Place{App: "web", Environment: "dev"}
	got := promotion.OnePerPlace([]promotion.Change{{Place: web}, {Place: cart, Images: promotion.Release{a}}, {Place: cart, Images: promotion.Release{a, b}}})
	if len(got) != 2 || got[0].Place != cart || !slices.Equal(got[0].Images, promotion.Release{a, b}) || got[1].Place != web {
		t.Errorf("%+v", got)
	}
}

func TestBlockCommands(t *testing.T) {
	t.Parallel()
	at := scene(t).Now
	maintainer := func(s *promotion.CommandScene) { s.Permission = forge.PermissionMaintain }
	standing := func(s *promotion.CommandScene) {
		maintainer(s)
		s.Blocks = []promotion.Block{
			{ID: 3, App: "checkout", Image: promotion.Image{Tag: "1.1.0"}, Actor: "bob", Reason: "bad"},
			{ID: 4, App: "checkout", Environment: "prod", Image: promotion.Image{Tag: "1.1.0"}, Actor: "bob", Reason: "worse"},
		}
		s.Rejections = []promotion.StandingRejection{{Place: config.Place{App: "cart", Environment: "prod"}, Rejection: promotion.Rejection{Release: release("2.0.0"), Number: 9, Actor: "bob"}}}
	}
	one := func(app, environment, tag, reason string) []promotion.Block {
		return []promotion.Block{{App: app, Environment: environment, Image: promotion.Image{Tag: tag}, Reason: reason, Actor: "ann", At: at}}
	}
	nobody := func(*promotion.CommandScene) {}
	for _, test := range []struct {
		body      string
		change    func(*promotion.CommandScene)
		done      bool
		words     string
		blocks    []promotion.Block
		unblocked []int64
		lifts     int
	}{
		{"/block 1.1.0 it loses orders", nobody, true, "Blocked: ann blocks checkout 1.1.0: it loses orders (/unblock checkout 1.1.0 lifts it). It stands in `dev`, and stays there.", one("checkout", "", "1.1.0", "it loses orders"), nil, 0},
		{"/block checkout 9.9.9 soon", nobody, true, "Ferry has not seen that release anywhere yet.", one("checkout", "", "9.9.9", "soon"), nil, 0},
		{"/block prod checkout `1.1.0` bad", nobody, true, "checkout 1.1.0 in prod: bad", one("checkout", "prod", "1.1.0", "bad"), nil, 0},
		{"/block 1.1.0 checkout prod bad", nobody, true, "checkout 1.1.0 in prod: bad", one("checkout", "prod", "1.1.0", "bad"), nil, 0},
		{"/block 1.1.0 bad", onPull, true, "checkout 1.1.0 in staging: bad", one("checkout", "staging", "1.1.0", "bad"), nil, 0},
		{"/block 1.1.0 all bad", onPull, true, "ann blocks checkout 1.1.0: bad", one("checkout", "", "1.1.0", "bad"), nil, 0},
		{"/block 9.9.9 soon", nobody, false, "`/block` `9.9.9` of which app? Name one of `cart`, `checkout`", nil, nil, 0},
		{"/block", nobody, false, "which release?", nil, nil, 0},
		{"/block checkout", nobody, false, "which release?", nil, nil, 0},
		{"/block 1.1.0", nobody, false, "`/block` checkout 1.1.0 why?", nil, nil, 0},
		{"/block <b> bad", nobody, false, "is no tag, digest or image", nil, nil, 0},
		{"/block 1.1.0 bad", func(s *promotion.CommandScene) { s.Permission = forge.PermissionTriage }, false, "it needs write permission", nil, nil, 0},
		{"/unblock 1.1.0", nobody, false, "it needs maintain permission", nil, nil, 0},
		{"/unblock 1.1.0", standing, true, "Lifted: bob blocked checkout 1.1.0 in prod.", nil, []int64{3, 4}, 0},
		{"/unblock checkout 1.1.0 prod", standing, true, "Blocked still: bob blocks checkout 1.1.0: bad", nil, []int64{4}, 0},
		{"/unblock 2.0.0", standing, true, "Taken back: bob rejected `2.0.0` in `prod` by closing #9.", nil, nil, 1},
		{"/unblock cart 1.1.0", standing, true, "Nobody has blocked or rejected cart 1.1.0.", nil, nil, 0},
		{"/unblock 1.1.0 please", standing, false, "`please` is no app and no environment", nil, nil, 0},
		{"/block 1.1.0 a mistake\n/unblock 1.1.0", maintainer, true, "Lifted: ann blocked checkout 1.1.0.", nil, nil, 0},
		{"/promote checkout staging", standing, true, "`1.1.0` does not go to `staging`: bob blocks checkout 1.1.0", nil, nil, 0},
	} {
		out := execute(t, test.body, test.change)
		reaction := forge.ReactionRefused
		if test.done {
			reaction = forge.ReactionDone
		}
		wantAnswer(t, out, reaction, test.words)
		if !slices.EqualFunc(out.Blocks, test.blocks, func(a, b promotion.Block) bool { return reflect.DeepEqual(a, b) }) || !slices.Equal(out.Unblocked, test.unblocked) || len(out.Lifts) != test.lifts || len(out.Intents) != 0 {
			t.Errorf("%s: %+v", test.body, out)
		}
	}
}
