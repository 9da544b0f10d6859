package promotion_test

import "ferry/promotion"

// hotfixed returns the promotion that brought what stands at the place, where that was a hotfix, as far as Ferry knows; else nil.
func (s *sim) hotfixed(place simPlace) (last *simPromotion) {
	for _, m := range s.facts[place.app].promotions {
		if m.env == place.env && m.Intent == promotion.IntentHotfix && m.MergeSHA != "" {
			last = m
		}
	}
	if last == nil || last.Release.Version() != s.stands(place).tag {
		return nil
	}
	return last
}

// lacksHotfix says whether the tag stood anywhere before the hotfix that stands at the place was opened: it may lack what that mended.
func (s *sim) lacksHotfix(place simPlace, tag string) bool {
	h := s.hotfixed(place)
	return h != nil && h.Release.Version() != tag && !s.seenFirstAfter(h, place.app, tag)
}

// overHotfix says whether the tag may follow a hotfix though nobody knows which is newer.
func (s *sim) overHotfix(place simPlace, tag string) bool {
	h := s.hotfixed(place)
	return h != nil && s.seenFirstAfter(h, place.app, tag)
}

func (s *sim) seenFirstAfter(h *simPromotion, app, tag string) bool {
	seen := false
	for _, env := range simEnvironments() {
		for _, stay := range s.stays(simPlace{app, env}) {
			if stay.tag != tag {
				continue
			}
			if seen = true; stay.baseline || !stay.from.After(h.OpenedAt) {
				return false
			}
		}
	}
	return seen
}
