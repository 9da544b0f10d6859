package main

import (
	"io"

	"github.com/spf13/cobra"
)

func newCompletionCommand(stdout io.Writer) *cobra.Command {
	shells := map[string]func(root *cobra.Command) error{
		"bash":       func(root *cobra.Command) error { return root.GenBashCompletionV2(stdout, true) },
		"zsh":        func(root *cobra.Command) error { return root.GenZshCompletion(stdout) },
		"fish":       func(root *cobra.Command) error { return root.GenFishCompletion(stdout, true) },
		"powershell": func(root *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(stdout) },
	}
	names := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a shell's completions: commands, flags, and the apps and environments of the checkout",
		Long: `Prints a script for a shell. With it, Tab completes commands and flags, and
the apps and environments of the checkout you are in.

Exit codes: 0 done, 1 the output cannot be written, 2 wrong use.`,
		Example: `  source <(ferry completion bash)                                  # for this shell
  ferry completion bash > /etc/bash_completion.d/ferry            # for every bash
  ferry completion zsh > "${fpath[1]}/_ferry"
  ferry completion fish > ~/.config/fish/completions/ferry.fish`,
		ValidArgs:             names,
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			return usageIf(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)(c, args))
		},
		RunE: func(c *cobra.Command, args []string) error { return shells[args[0]](c.Root()) },
	}
}
