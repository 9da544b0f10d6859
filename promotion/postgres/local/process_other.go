//go:build unix && !linux

package local

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// setDeathSignal does nothing: only Linux has such a signal. The next start ends what a killed process left.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// commandLines returns the command line of every process by its number, arguments separated by spaces.
func commandLines() (map[int]string, error) {
	out, err := exec.Command("ps", "-A", "-ww", "-o", "pid=,command=").Output()
	if err != nil {
		return nil, fmt.Errorf("ps -A: %w", err)
	}
	commands := map[int]string{}
	for line := range strings.Lines(string(out)) {
		number, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pid, err := strconv.Atoi(number); err == nil {
			commands[pid] = strings.TrimSpace(command)
		}
	}
	return commands, nil
}
