package local

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a running command. Its err is set before done is closed.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// launch starts the command and has the kernel send it the signal should this process be killed (Linux). The signal fires
// when the *thread* that started it ends, so the thread is locked and kept until the command has ended.
func launch(cmd *exec.Cmd, onDeath syscall.Signal) (*process, error) {
	setDeathSignal(cmd.SysProcAttr, onDeath)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// patience is how long a server gets for an immediate shutdown, which PostgreSQL itself bounds to five seconds.
const patience = 10 * time.Second

// end asks the server for a fast shutdown, when ctx is done for an immediate one, and returns when it is gone.
func (p *process) end(ctx context.Context) {
	// An error of Signal means that the process has ended, which done tells as well.
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.done:
		return
	case <-ctx.Done():
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.done:
		return
	case <-time.After(patience):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}
