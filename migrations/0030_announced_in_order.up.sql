-- Of all that CI announced of an image, a plan reads the last ones.
create index if not exists announced_in_order on announced (repository, image, seq) where not found;
