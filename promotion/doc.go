// Package promotion is the domain: releases, deployments, gates, the plan, the commands and the words of pull requests and statuses, without I/O.
package promotion
