package terminal

import (
	"fmt"
	"strings"
	"time"
)

const (
	progressAfter = time.Second            // what is done by then needs no bar
	progressEvery = 100 * time.Millisecond // how often the bar is drawn
	progressWidth = 30
)

// Progress is a bar that shows itself where work takes longer than a second, on a terminal only.
type Progress struct {
	printer *Printer
	what    string
	now     func() time.Time
	drawAt  time.Time
	drawn   bool
}

// Progress returns a bar for work that begins now.
func (p *Printer) Progress(what string, now func() time.Time) *Progress {
	return &Progress{printer: p, what: what, now: now, drawAt: now().Add(progressAfter)}
}

// Step says how much is done. It is called by one goroutine at a time.
func (b *Progress) Step(done, total int) {
	if !b.printer.IsTerminal || total == 0 || b.now().Before(b.drawAt) {
		return
	}
	b.drawAt, b.drawn = b.now().Add(progressEvery), true
	full := progressWidth * done / total
	b.printer.Printf("\r%s", fmt.Sprintf("%s [%s%s] %d of %d", b.what, strings.Repeat("█", full), strings.Repeat("░", progressWidth-full), done, total))
}

// Done takes the bar away.
func (b *Progress) Done() {
	if b.drawn {
		b.printer.Printf("\r\x1b[K")
	}
}
