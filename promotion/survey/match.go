package survey

import "strings"

// match says whether a path has the form of a pattern, and what {app} stands for in it. {env} stands for any part of a path here, "*" for
// any letters of one segment.
func match(pattern, path string) (app string, ok bool) {
	return matchFrom(pattern, path, "")
}

func matchFrom(pattern, rest, app string) (string, bool) {
	for pattern != "" {
		switch {
		case strings.HasPrefix(pattern, appMark):
			if app != "" {
				pattern = app + pattern[len(appMark):]
				continue
			}
			return tryEach(pattern[len(appMark):], rest, func(s string) string { return s })
		case strings.HasPrefix(pattern, envMark):
			return tryEach(pattern[len(envMark):], rest, func(string) string { return app })
		case pattern[0] == '*':
			return tryEach(pattern[1:], rest, func(string) string { return app })
		case rest == "" || rest[0] != pattern[0]:
			return "", false
		}
		pattern, rest = pattern[1:], rest[1:]
	}
	return app, rest == ""
}

// tryEach lets a mark stand for every beginning of rest that is not empty and has no slash.
func tryEach(pattern, rest string, bind func(string) string) (string, bool) {
	for i := 1; i <= len(rest) && rest[i-1] != '/'; i++ {
		if app, ok := matchFrom(pattern, rest[i:], bind(rest[:i])); ok {
			return app, true
		}
	}
	return "", false
}
