package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"ferry/forge/sandbox"
)

// print says how to reach the sandbox, and as whom.
func (o sandboxOptions) print(f *sandbox.Sandbox, out io.Writer) {
	base := f.URL()
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "  %-8s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(out, "the sandbox is ready")
	line("pages", "%s/", base)
	line("API", "%s/api/v3", base)
	line("Git", "%s/OWNER/NAME.git (any name, a token as the password)", base)
	line("steering", "%s%s/… (see --help)", base, sandbox.AdminPath)
	for _, u := range f.Users() {
		line("person", "%s, token %s", u.Login, u.Token)
	}
	if o.appID == 0 {
		return
	}
	dir, err := filepath.Abs(o.data)
	if err != nil {
		dir = o.data
	}
	fmt.Fprintln(out, "for `ferry serve` as its App")
	for _, pair := range [][2]string{
		{"URL", base + "/api/v3"}, {"APP_ID", fmt.Sprint(o.appID)}, {"APP_KEY_FILE", filepath.Join(dir, appKeyFile)},
		{"WEBHOOK_SECRET_FILE", filepath.Join(dir, appSecretFile)},
	} {
		fmt.Fprintf(out, "  export FERRY_GITHUB_%s=%s\n", pair[0], pair[1])
	}
}

// publicKeyOf returns the public half of an RSA key, both in PEM. It fails for what is no such key.
func publicKeyOf(private []byte) ([]byte, error) {
	block, _ := pem.Decode(private)
	if block == nil {
		return nil, errors.New("no private key in PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		other, otherErr := x509.ParsePKCS8PrivateKey(block.Bytes)
		found, isRSA := other.(*rsa.PrivateKey)
		if otherErr != nil || !isRSA {
			return nil, errors.New("no RSA private key, which is what GitHub gives an App")
		}
		key = found
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("write its public half: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
