drop index if exists promotions_app;
alter table manifests drop column if exists also;
drop table if exists former_names, included;
alter table repositories drop column if exists config_findings, drop column if exists config_tried, drop column if exists config_set;
