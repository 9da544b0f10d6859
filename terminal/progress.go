package terminal

import (
	"fmt"
	"strings"
	"sync"
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

// Waiting shows on a terminal what is being done, where that takes longer than a second and nobody can say how much is left. It is taken away by
// the function that it returns.
func (p *Printer) Waiting(what string) (done func()) {
	if !p.IsTerminal {
		return func() {}
	}
	var mu sync.Mutex
	ended, drawn := false, false
	timer := time.AfterFunc(progressAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if drawn = !ended; drawn {
			p.Printf("%s …", what)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		if ended = true; drawn {
			p.Printf("\r\x1b[K")
		}
	}
}
