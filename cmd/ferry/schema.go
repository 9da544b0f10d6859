package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"ferry/promotion/config"
)

// newSchemaCommand returns the command that prints what may stand in the configuration.
func newSchemaCommand(stdout io.Writer) *cobra.Command {
	var included, markdown bool
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of .ferry.yaml, for editors",
		Long: `Print the JSON Schema of .ferry.yaml, for editors.

It finds unknown keys and wrong values while you type. What only the whole file
and the repository can tell (environments that are not there, circles, patterns
that match nothing) is found by ` + "`ferry lint`" + ` and by the server.`,
		Example: `  ferry schema > ferry.schema.json
  # and as the first line of .ferry.yaml:
  # yaml-language-server: $schema=./ferry.schema.json`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(*cobra.Command, []string) error {
			switch {
			case included && markdown:
				return &usageError{errors.New("give either --included or --markdown")}
			case markdown:
				_, err := io.WriteString(stdout, config.Reference())
				return err
			case included:
				_, err := stdout.Write(config.IncludedSchema())
				return err
			}
			_, err := stdout.Write(config.Schema())
			return err
		},
	}
	c.Flags().BoolVar(&included, "included", false, "of a file that .ferry.yaml includes")
	c.Flags().BoolVar(&markdown, "markdown", false, "the reference of all keys, as a table, instead")
	return c
}
