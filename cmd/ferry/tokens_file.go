package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// givenToken is whom a token of FERRY_TOKENS_FILE speaks for.
type givenToken struct {
	repo        forge.Repo
	environment string // empty: CI's
}

// givenTokens are the tokens that were given from outside, by the hash of each: a Ferry that lost its database still knows its agents.
type givenTokens map[[sha256.Size]byte]givenToken

// minToken is the least length of a given token: 128 random bits in hexadecimal digits.
const minToken = 32

// environmentForm is what an environment can be called.
var environmentForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// readTokensFile reads lines of `OWNER/NAME ENVIRONMENT TOKEN` and `OWNER/NAME ci TOKEN`; what follows # at the beginning of a line is a remark. It
// reports every line that is wrong, by its number and never with what stands in it.
func readTokensFile(path string) (givenTokens, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("FERRY_TOKENS_FILE: %w", err)
	}
	given := givenTokens{}
	var errs []error
	lines := bufio.NewScanner(bytes.NewReader(content))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := given.add(strings.Fields(line)); err != nil {
			errs = append(errs, fmt.Errorf("FERRY_TOKENS_FILE: %s:%d: %w", path, number, err))
		}
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("FERRY_TOKENS_FILE: %s: %w", path, err))
	}
	return given, errors.Join(errs...)
}

func (g givenTokens) add(fields []string) error {
	if len(fields) != 3 {
		return fmt.Errorf("OWNER/NAME ENVIRONMENT TOKEN, or OWNER/NAME ci TOKEN, is expected, and there are %d words", len(fields))
	}
	repo, err := forge.ParseFullName(fields[0])
	switch {
	case err != nil:
		return errors.New("the first word is no repository: OWNER/NAME is expected")
	case !environmentForm.MatchString(fields[1]):
		return errors.New("the second word is no environment's name, and not ci")
	case len(fields[2]) < minToken:
		return fmt.Errorf("the token has fewer than %d characters: make one with `openssl rand -hex 32`", minToken)
	}
	token, hash := givenToken{repo: repo, environment: fields[1]}, sha256.Sum256([]byte(fields[2]))
	if token.environment == "ci" {
		token.environment = ""
	}
	if _, twice := g[hash]; twice {
		return errors.New("the token stands in the file twice: each environment needs its own")
	}
	g[hash] = token
	return nil
}

// doorStore is the database as the doors use it: it knows the tokens that were given from outside too.
type doorStore struct {
	*postgres.Store
	given givenTokens
}

// FindToken returns whom a token speaks for, or postgres.ErrNotFound. It fails where the token is for a repository that Ferry has not seen yet.
func (s doorStore) FindToken(ctx context.Context, token string) (postgres.Token, error) {
	given, ok := s.given[sha256.Sum256([]byte(token))]
	if !ok {
		return s.Store.FindToken(ctx, token)
	}
	id, err := s.RepositoryNamed(ctx, forge.GitHub, given.repo)
	if err != nil {
		return postgres.Token{}, fmt.Errorf("a token of FERRY_TOKENS_FILE is for %s, which Ferry does not know (yet): %s", given.repo.FullName(), err)
	}
	kind := postgres.TokenAgent
	if given.environment == "" {
		kind = postgres.TokenCI
	}
	return postgres.Token{Kind: kind, Repository: id, FullName: given.repo.FullName(), Environment: given.environment}, nil
}
