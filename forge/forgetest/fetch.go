// Package forgetest holds a forge to its own description: it validates exchanges against GitHub's OpenAPI document and
// hands out GitHub's example webhooks. Only tests import it.
package forgetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The packages in which GitHub publishes its description and its examples, at the versions the tests were written for.
const (
	openAPIPackage  = "@octokit/openapi@23.0.2"
	openAPIFile     = "package/generated/api.github.com.json"
	examplesPackage = "@octokit/webhooks-examples@7.6.1"
	examplesFile    = "package/api.github.com/index.json"
)

// fetch returns one file of an npm package, from the user's cache folder if it is there already. Several processes may
// ask at once: one fetches, the others wait for it. It fails where npm is missing or cannot reach its registry.
func fetch(ctx context.Context, pkg, file string) ([]byte, error) {
	name, err := cacheName(pkg, file)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(name)
	if data, err := os.ReadFile(name); err == nil {
		return data, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache of %s: %w", pkg, err)
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	data, err := os.ReadFile(name) // another process may have been first
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = pack(ctx, pkg, file); err != nil {
		return nil, err
	}
	return data, store(dir, name, data)
}

// cacheName is where a file of an npm package is kept.
func cacheName(pkg, file string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("where to keep %s: %w", pkg, err)
	}
	return filepath.Join(cache, "ferry", "npm", strings.ReplaceAll(strings.TrimPrefix(pkg, "@"), "/", "-"), filepath.Base(file)), nil
}

// store writes a file so that it is there whole or not at all.
func store(dir, name string, data []byte) error {
	tmp, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(data); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

// lock waits for the lock of name. It ends with the process, too.
func lock(name string) (func(), error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { _ = f.Close() }, nil
}

// pack has npm fetch a package, as the machine's npm is configured to, and returns one file of it.
func pack(ctx context.Context, pkg, file string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "ferry-npm-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", dir, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack %s: is npm installed and can it reach its registry? %w: %s", pkg, err, bytes.TrimSpace(out))
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return nil, fmt.Errorf("npm pack %s left %d archives", pkg, len(archives))
	}
	data, err := extract(archives[0], file)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", file, pkg, err)
	}
	return data, nil
}

func extract(archive, file string) ([]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for r := tar.NewReader(z); ; {
		head, err := r.Next()
		if err != nil {
			return nil, err
		}
		if head.Name == file {
			return io.ReadAll(r)
		}
	}
}
