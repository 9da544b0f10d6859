create index if not exists manifests_path on manifests (repository, environment, path text_pattern_ops); -- which apps stand below a folder
