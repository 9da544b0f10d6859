package terminal

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
}

// gap is what stands between two columns.
const gap = "  "

// Table writes rows in aligned columns, the first row as their heads. Where a row does not fit the terminal, each becomes a small list of its own.
func (p *Printer) Table(rows [][]Cell) {
	if p.Width > 0 && width(rows) > p.Width {
		p.lists(rows)
		return
	}
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options, style.Box.PaddingLeft, style.Box.PaddingRight = table.OptionsNoBordersAndSeparators, "", gap
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	for i, row := range rows {
		fields := make(table.Row, len(row))
		for j, c := range row {
			look := c.Style
			if i == 0 {
				look = Strong
			}
			fields[j] = p.Paint(look, Safe(c.Text))
		}
		w.AppendRow(fields)
	}
	for line := range strings.SplitSeq(w.Render(), "\n") {
		p.Printf("%s\n", strings.TrimRight(line, " "))
	}
}

// width returns how wide the rows are in columns, where a wide character takes two.
func width(rows [][]Cell) int {
	columns := map[int]int{}
	for _, row := range rows {
		for j, c := range row {
			columns[j] = max(columns[j], text.StringWidth(Safe(c.Text)))
		}
	}
	total := -len(gap)
	for _, w := range columns {
		total += w + len(gap)
	}
	return total
}

// lists writes each row as its first field and, indented, the others with their heads.
func (p *Printer) lists(rows [][]Cell) {
	head := 0
	for _, c := range rows[0] {
		head = max(head, text.StringWidth(Safe(c.Text)))
	}
	for _, row := range rows[1:] {
		p.Printf("%s\n", p.Paint(Strong, Safe(row[0].Text)))
		for j, c := range row[1:] {
			p.Printf("  %s%s%s\n", text.Pad(Safe(rows[0][j+1].Text), head, ' '), gap, p.Paint(c.Style, Safe(c.Text)))
		}
	}
}
