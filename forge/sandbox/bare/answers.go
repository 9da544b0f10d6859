package bare

import (
	"strings"
	"sync"
)

// mostKept is how many bytes of answers a repository keeps; then it begins anew.
const mostKept = 8 << 20

// answers are what git said about objects. Those never change and are never removed here, so what is asked again needs no process. What depends on
// references is not kept.
type answers struct {
	mu   sync.Mutex
	said map[string]answer
	size int
}

type answer struct {
	out []byte
	err error // with the exit code 1, by which git says "no"
}

// about is run for a command whose answer depends on nothing but objects, and keeps it where all of them are given by their full names: else a name may lead
// elsewhere later. No failure is kept but git's "no", which is the exit code 1: what is missing may come.
func (r *Repo) about(objects []string, in []byte, args ...string) ([]byte, error) {
	if !named(objects) {
		return r.run(in, args...)
	}
	key := strings.Join(args, "\x00") + "\x00\x00" + string(in)
	if said, ok := r.answers.get(key); ok {
		return said.out, said.err
	}
	out, err := r.run(in, args...)
	if err == nil || exitCode(err) == 1 {
		r.answers.put(key, answer{out, err})
	}
	return out, err
}

func (a *answers) get(key string) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said, ok := a.said[key]
	return said, ok
}

func (a *answers) put(key string, said answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := len(key) + len(said.out)
	if a.said == nil || a.size+size > mostKept {
		a.said, a.size = map[string]answer{}, 0
	}
	a.size += size
	a.said[key] = said
}

// named says whether all of names are objects' full names.
func named(names []string) bool {
	for _, n := range names {
		if len(n) != 40 || strings.Trim(n, "0123456789abcdef") != "" {
			return false
		}
	}
	return true
}
