package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// minSecretKey is how many characters FERRY_SECRET_KEY has at least: half of what `openssl rand -hex 32` prints.
const minSecretKey = 32

var errSealedOtherwise = errors.New("FERRY_SECRET_KEY is not the one that the GitHub App in the database was encrypted with: give that one, also as FERRY_SECRET_KEY_OLD beside a new one, or the App itself by FERRY_GITHUB_APP_ID, FERRY_GITHUB_APP_KEY and FERRY_GITHUB_WEBHOOK_SECRET")

// seal encrypts text with AES-256-GCM. about says what it is: opened as anything else it does not open.
func seal(secretKey string, text []byte, about string) ([]byte, error) {
	aead, err := sealer(secretKey)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, text, []byte(about)), nil
}

// unseal returns what seal encrypted, and fails with errSealedOtherwise where the key or what it is about is another.
func unseal(secretKey string, sealed []byte, about string) ([]byte, error) {
	aead, err := sealer(secretKey)
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, nil, sealed, []byte(about))
	if err != nil {
		return nil, errSealedOtherwise
	}
	return text, nil
}

// sealer derives the key for this one use, so that the same FERRY_SECRET_KEY can serve others.
func sealer(secretKey string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secretKey), nil, "ferry: secrets at rest", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
