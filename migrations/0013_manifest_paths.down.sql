drop index if exists manifests_path;
