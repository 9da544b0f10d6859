package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write man pages, one for each command",
		Long: `Writes man pages of section 1 into a folder, which is made where it is missing.

Exit codes: 0 done, 1 the folder cannot be written, 2 wrong use.`,
		Example: `  ferry man ~/.local/share/man/man1 && man ferry-plan`,
		Args:    func(c *cobra.Command, args []string) error { return usageIf(cobra.ExactArgs(1)(c, args)) },
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("the folder for the man pages cannot be made: %w", err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true // the line at the end that names the library
			if err := doc.GenManTree(root, &doc.GenManHeader{Title: "FERRY", Section: "1", Source: "Ferry", Manual: "Ferry's commands"}, args[0]); err != nil {
				return fmt.Errorf("the man pages cannot be written: %w", err)
			}
			_, err := fmt.Fprintf(stdout, "man pages written to %s\n", args[0])
			return err
		},
	}
}
