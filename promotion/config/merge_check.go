package config

// autoMergeAt returns where `merge: auto` stands, and the zero position where it does not.
func autoMergeAt(s settings) position {
	if !s.autoMerge.value {
		return position{}
	}
	return s.autoMerge.at
}

// merges notes each `merge: auto` that no mode lets Ferry act on. An app or an included file that only makes the mode stricter for itself means to do so.
func (k *checker) merges() {
	c := k.config
	for i, e := range c.Environments {
		k.mergeNoEffect(c.autoMergeAt[i], e.Name, e.Mode)
	}
	for _, d := range c.discoveries {
		k.appMerges(d, d)
	}
	for _, a := range c.named {
		whole, ok := c.settings(a.name, nil)
		if !ok {
			whole = a
		}
		k.appMerges(a, whole)
	}
}

// appMerges looks at what an entry itself says, with the settings that count for it in the end.
func (k *checker) appMerges(own, whole entry) {
	c, said := k.config, own.own.get()
	var loosest Environment
	for i, e := range c.Environments {
		here := c.settingsOf(whole, whole.name, i)
		k.mergeNoEffect(autoMergeAt(said.in[e.Name]), e.Name, here.Mode)
		if loosest.Mode == "" || strictest(loosest.Mode, here.Mode) == loosest.Mode {
			loosest = here
		}
	}
	k.mergeNoEffect(autoMergeAt(said.all), loosest.Name, loosest.Mode)
}

func (k *checker) mergeNoEffect(at position, env string, mode Mode) {
	if at == (position{}) || mode == ModeRelease || k.used[at] {
		return
	}
	k.used[at] = true // said once, though it may count for several environments
	k.add(ruleMergeNoEffect, at, "merge: auto has no effect in %q: the mode there is %s, in which Ferry merges nothing", env, mode)
}
