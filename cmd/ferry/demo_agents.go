package main

import (
	"context"
	"path/filepath"
	"time"

	"ferry/promotion/agent"
)

// agentPoll is how often the demo's agents look at Git.
const agentPoll = 300 * time.Millisecond

// runAgent runs the agent of an environment's cluster until ctx ends: the same that `ferry agent` runs, with the demo's fleet instead of a cluster.
func (d *demo) runAgent(ctx context.Context, st *stage, f *fleet, p spot, token string) error {
	return agent.Run(ctx, agent.Config{
		Repository: st.forge.URL() + "/" + d.scene.repository() + ".git", Paths: d.scene.paths(p.environment), Dir: filepath.Join(d.temporary.path, "agents", p.environment, p.cluster),
		Server: st.ferry.settings.URL, Token: token, Environment: p.environment, Cluster: p.cluster, Poll: d.scene.poll(), Every: 10 * time.Second, Logger: d.logger,
		Apply:  func(ctx context.Context, c agent.Checkout) error { return f.apply(ctx, p, c.Dir, c.Revision) },
		Images: func(context.Context, agent.Checkout) ([]string, error) { return f.images(p), nil },
	})
}
