package manifest

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readCompose reads the images of a Compose file's services (compose-spec, "Services top-level element").
func readCompose(r *reading, n *yaml.Node) {
	if at := r.below(); len(at) == 2 && at[0].name == "services" {
		if image := written(n, "image"); image != nil {
			addReference(r, image)
		}
	}
}

// isCompose tells a Compose file by its name, or by having no key that Compose lacks, neither at the top nor in a service.
func isCompose(file string, root *yaml.Node) bool {
	services := lookup(root, "services")
	if services == nil || services.Kind != yaml.MappingNode {
		return false
	}
	base := path.Base(file)
	if strings.HasPrefix(base, "compose.") || strings.HasPrefix(base, "docker-compose.") {
		return true
	}
	top := []string{"configs", "include", "models", "name", "networks", "secrets", "services", "version", "volumes"}
	if !onlyKeys(root, top) || len(services.Content) == 0 {
		return false
	}
	keys := composeKeys()
	for i := 0; i+1 < len(services.Content); i += 2 {
		service := resolve(services.Content[i+1])
		if image := lookup(service, "image"); image != nil && image.Kind != yaml.ScalarNode {
			return false
		}
		if !isMerge(services.Content[i]) && (service.Kind != yaml.MappingNode || !onlyKeys(service, keys)) {
			return false
		}
	}
	return true
}

// onlyKeys tells whether a mapping has only these keys, which are in order, and extensions.
func onlyKeys(n *yaml.Node, keys []string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		key := resolve(n.Content[i]).Value
		if _, known := slices.BinarySearch(keys, key); !known && !strings.HasPrefix(key, "x-") && key != "<<" {
			return false
		}
	}
	return true
}

// composeKeys returns the keys of a service, in order.
func composeKeys() []string {
	return strings.Fields(`annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name
		cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop
		device_cgroup_rules devices dns dns_opt dns_search domainname driver_opts entrypoint env_file environment expose extends external_links
		extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging mac_address mem_limit
		mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports
		post_start pre_stop privileged profiles provider pull_policy read_only restart runtime scale secrets security_opt shm_size stdin_open
		stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir`)
}
