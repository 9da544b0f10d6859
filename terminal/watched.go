package terminal

import (
	"io"
	"sync"
)

// Watched is an output that remembers whether all of it could be written: what prints it has nobody to tell, line by line.
type Watched struct {
	to  io.Writer
	mu  sync.Mutex
	err error
}

// Watch returns an output to w.
func Watch(w io.Writer) *Watched { return &Watched{to: w} }

// Write implements io.Writer.
func (o *Watched) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Err returns the first failure to write, nil where all was written.
func (o *Watched) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
