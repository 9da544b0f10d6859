package main

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"ferry/promotion/agent"
)

// agentPoll is how often the demo's agents look at Git.
const agentPoll = 300 * time.Millisecond

// runAgent runs an environment's agent until ctx ends: the same that `ferry agent` runs, with the demo's fleet instead of a cluster.
func (d *demo) runAgent(ctx context.Context, st *stage, f *fleet, environment, token string) error {
	var paths []string
	for _, app := range slices.Sorted(maps.Keys(acmeSources())) {
		paths = append(paths, "apps/"+app+"/base", "apps/"+app+"/"+environment)
	}
	return agent.Run(ctx, agent.Config{
		Repository: st.forge.URL() + "/" + demoRepository + ".git", Paths: paths, Dir: filepath.Join(d.temporary.path, "agents", environment),
		Server: st.ferry.settings.URL, Token: token, Environment: environment, Poll: agentPoll, Every: 10 * time.Second, Logger: d.logger,
		Apply:  func(ctx context.Context, c agent.Checkout) error { return f.apply(ctx, environment, c.Dir, c.Revision) },
		Images: func(context.Context, agent.Checkout) ([]string, error) { return f.images(environment), nil },
	})
}
