package agent

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
)

// secrets holds the agent's token and keeps it out of everything that leaves the agent by another way than the Authorization header.
type secrets struct {
	file string

	mu    sync.Mutex
	value string
}

// newSecrets fails where the file cannot be read or what it holds is no token.
func newSecrets(token, file string) (*secrets, error) {
	s := &secrets{file: file, value: strings.TrimSpace(token)}
	if file != "" {
		if _, err := s.token(); err != nil {
			return nil, err
		}
	}
	return s, checkToken(s.value)
}

// token returns the token, from its file as it is now.
func (s *secrets) token() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" {
		return s.value, nil
	}
	content, err := os.ReadFile(s.file)
	if err != nil {
		return "", fmt.Errorf("the file of the agent's token: %w", err)
	}
	value := strings.TrimSpace(string(content))
	if err := checkToken(value); err != nil {
		return "", fmt.Errorf("%s: %w", s.file, err)
	}
	s.value = value
	return value, nil
}

// checkToken refuses what cannot stand in a header, so that no error of a library has to name it.
func checkToken(token string) error {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("there is no token there: one line is expected, as `ferry token create` prints it")
	}
	return nil
}

var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@`)

// hideUserinfo takes user names and passwords out of the URLs in a text: a token may well stand as the user's name.
func hideUserinfo(text string) string { return userinfo.ReplaceAllString(text, "${1}***@") }

// hide takes the token and the userinfo of URLs out of a text.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != "" {
		text = strings.ReplaceAll(text, s.value, "***")
	}
	return hideUserinfo(text)
}

// hideIn is hide for an error. What it was made of can still be asked for with errors.Is and errors.As.
func (s *secrets) hideIn(err error) error {
	if err == nil {
		return nil
	}
	return &hiddenError{text: s.hide(err.Error()), err: err}
}

type hiddenError struct {
	text string
	err  error
}

func (e *hiddenError) Error() string { return e.text }
func (e *hiddenError) Unwrap() error { return e.err }

// environ returns the environment for a program that the agent starts: none of Ferry's own settings, nothing that holds the token, and
// nothing that would point git at another repository than the one it stands in.
func (s *secrets) environ(base []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, pair := range base {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "FERRY_") || pointsGit(name) || s.value != "" && strings.Contains(value, s.value) {
			continue
		}
		out = append(out, pair)
	}
	return out
}

func pointsGit(name string) bool {
	switch name {
	case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX":
		return true
	}
	return false
}
