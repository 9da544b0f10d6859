package promotion

import (
	"slices"
	"strings"
)

// Several people may ask for the same release, one after the other. Who asked for it then is written as one text, their logins in the order in which they
// asked, the last one last: in the trailer of the commit, in the file of decisions and in the database alike. No forge has a login with a comma or a space.
const askersApart = ", "

// AskedAlso returns who asked for something that others have asked for before, once login does so too.
func AskedAlso(before, login string) string {
	askers := slices.DeleteFunc(askersOf(before), func(other string) bool { return strings.EqualFold(other, login) })
	return strings.Join(append(askers, login), askersApart)
}

func askersOf(asker string) []string {
	if asker == "" {
		return nil
	}
	return strings.Split(asker, askersApart)
}

// askedBy says whether the person of that login is among those who asked.
func askedBy(asker, login string) bool {
	return slices.ContainsFunc(askersOf(asker), func(one string) bool { return strings.EqualFold(one, login) })
}

// lastAsker is who asked last.
func lastAsker(asker string) string {
	list := askersOf(asker)
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// askersWords names those who asked.
func askersWords(asker string) string { return strings.Join(askersOf(asker), " and ") }
