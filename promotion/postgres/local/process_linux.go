package local

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

func setDeathSignal(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }

// commandLines returns the command line of every process by its number, arguments separated by spaces. A process that
// has ended and waits for its parent has an empty one.
func commandLines() (map[int]string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	commands := map[int]string{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Everybody may read it, unlike the working directory, which root in a container may not.
		text, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil { // else it has ended meanwhile
			commands[pid] = strings.ReplaceAll(strings.TrimRight(string(text), "\x00"), "\x00", " ")
		}
	}
	return commands, nil
}
