package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ferry/promotion/checkout"
)

// completeApps offers the apps of the checkout. A checkout that cannot be read offers nothing: a shell is no place for reasons.
func (l *offline) completeApps(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return l.appNames(c.Context(), args, word), cobra.ShellCompDirectiveNoFileComp
}

// completeBumps offers the apps of the checkout, each with the = that belongs behind it.
func (l *offline) completeBumps(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	names := l.appNames(c.Context(), nil, word)
	for i := range names {
		names[i] += "="
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeEnvironments offers the environments of the checkout.
func (l *offline) completeEnvironments(c *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if files, err := checkout.Open(c.Context(), l.dir); err == nil {
		defer func() { _ = files.Close() }() // it was only read
		if parsed, err := files.Config(); err == nil {
			for _, env := range parsed.Order() {
				names = append(names, env.Name)
			}
		}
	}
	return beginning(names, word), cobra.ShellCompDirectiveNoFileComp
}

// appNames returns the apps that begin with word and are not among those given already.
func (l *offline) appNames(ctx context.Context, given []string, word string) []string {
	files, err := checkout.Open(ctx, l.dir)
	if err != nil {
		return nil
	}
	defer func() { _ = files.Close() }() // it was only read
	parsed, err := files.Config()
	if err != nil {
		return nil
	}
	names := parsed.NamedApps()
	for _, path := range files.Paths { // their names stand in the paths: no manifest has to be read
		for _, place := range parsed.Places(path) {
			names = append(names, place.App)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(beginning(slices.Compact(names), word), func(name string) bool { return slices.Contains(given, name) })
}

func beginning(names []string, word string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, word) })
}
