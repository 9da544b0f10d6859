package config

// unaided is a setting that lets Ferry merge, and so needs the mode for it.
type unaided struct {
	rule string
	does string                  // what it says, and what becomes of it without the mode
	at   func(settings) position // where it stands; the zero position where it does not
}

func unaideds() []unaided {
	return []unaided{
		{ruleMergeNoEffect, "merge: auto has no effect", func(s settings) position {
			if !s.autoMerge.value {
				return position{}
			}
			return s.autoMerge.at
		}},
		{ruleRollbackNoEffect, "rollback: auto merges no rollback", func(s settings) position {
			if s.rollback.value != RollbackAuto {
				return position{}
			}
			return s.rollback.at
		}},
	}
}

// merges notes each setting that lets Ferry merge where no mode does. An app or an included file that only makes the mode stricter for itself means to do so.
func (k *checker) merges() {
	c := k.config
	for _, u := range unaideds() {
		for i, e := range c.Environments {
			k.noEffect(u, u.at(c.envSaid[i]), e.Name, e.Mode)
		}
		for _, d := range c.discoveries {
			k.appMerges(u, d, d)
		}
		for _, a := range c.named {
			whole, ok := c.settings(a.name, nil)
			if !ok {
				whole = a
			}
			k.appMerges(u, a, whole)
		}
	}
}

// appMerges looks at what an entry itself says, with the settings that count for it in the end.
func (k *checker) appMerges(u unaided, own, whole entry) {
	c, said := k.config, own.own.get()
	var loosest Environment
	for i, e := range c.Environments {
		here := c.settingsOf(whole, whole.name, i)
		k.noEffect(u, u.at(said.in[e.Name]), e.Name, here.Mode)
		if loosest.Mode == "" || strictest(loosest.Mode, here.Mode) == loosest.Mode {
			loosest = here
		}
	}
	k.noEffect(u, u.at(said.all), loosest.Name, loosest.Mode)
}

func (k *checker) noEffect(u unaided, at position, env string, mode Mode) {
	if at == (position{}) || mode == ModeRelease || k.used[at] {
		return
	}
	k.used[at] = true // said once, though it may count for several environments
	k.add(u.rule, at, "%s in %q: the mode there is %s, in which Ferry merges nothing", u.does, env, mode)
}
