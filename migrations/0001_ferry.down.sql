drop table if exists events, tokens, wishes, contributions, commands, announced, intents, holds, rejections, promotions,
  commits, pulls, reports, deployments, apps, units, manifests, revisions, branches, blobs, leases, deliveries,
  installations, repositories cascade;
drop function if exists events_are_append_only();
