alter table deployments drop column if exists counted_from;
