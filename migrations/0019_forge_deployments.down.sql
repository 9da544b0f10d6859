drop table if exists forge_deployments;
