package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"ferry/promotion"
	"ferry/registry"
)

// registryCredentials reads the file that FERRY_REGISTRY_AUTH_FILE names, and fails where it cannot be used.
func registryCredentials(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("FERRY_REGISTRY_AUTH_FILE: %w", err)
	}
	if _, err := registry.New(content); err != nil {
		return nil, fmt.Errorf("FERRY_REGISTRY_AUTH_FILE: %s: %w", path, err)
	}
	return content, nil
}

// registryOff says whether registries are left alone, as where no request may leave the network.
func registryOff(getenv func(string) string) (bool, error) {
	switch value := getenv("FERRY_REGISTRY"); {
	case value == "":
		return false, nil
	case value != "off":
		return false, errors.New("FERRY_REGISTRY: off is expected, or nothing")
	case getenv("FERRY_REGISTRY_AUTH_FILE") != "":
		return true, errors.New("FERRY_REGISTRY is off and FERRY_REGISTRY_AUTH_FILE is set: keep one")
	}
	return true, nil
}

// readRegistries lets the service read what images say of themselves, unless it must not.
func (svc *service) readRegistries() error {
	if svc.settings.NoRegistry {
		return nil
	}
	reader, err := registry.New(svc.settings.secrets.registries)
	if err != nil {
		return err
	}
	svc.has = func(ctx context.Context, image promotion.Image) (bool, error) {
		return reader.Has(ctx, image.Name, image.Tag, image.Digest)
	}
	svc.labels = func(ctx context.Context, image promotion.Image) (map[string]string, error) {
		labels, err := reader.Labels(ctx, image.Name, image.Tag, image.Digest)
		if errors.Is(err, registry.ErrUnknown) {
			err = fmt.Errorf("%w: %w", promotion.ErrNoLabels, err)
		}
		return labels, err
	}
	return nil
}
