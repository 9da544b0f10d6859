package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

func (c *call) pullThread() (*thread, error) {
	n, err := c.number("pull_number")
	if err != nil {
		return nil, err
	}
	t := c.repo.thread(int(n))
	if t == nil || t.pull == nil {
		return nil, notFound()
	}
	return t, nil
}

func listPulls(c *call) (reply, error) {
	owner, branch, _ := strings.Cut(c.query("head"), ":")
	var found []*thread
	for _, t := range c.repo.pullRequests() {
		if !c.wants(t) || c.query("base") != "" && t.pull.base != c.query("base") {
			continue
		}
		// GitHub takes a head without an owner for no filter at all.
		if branch != "" && (t.pull.head != branch || !strings.EqualFold(owner, t.pull.owner.login)) {
			continue
		}
		found = append(found, t)
	}
	c.sort(found)
	list := []object{}
	for _, t := range paged(c, found) {
		list = append(list, c.s.pullJSON(c.repo, t))
	}
	return ok(list)
}

// wants says whether a thread is in the state that was asked for: open, unless another one was.
func (c *call) wants(t *thread) bool {
	switch state := c.query("state"); state {
	case "", "open":
		return t.open
	case "all":
		return true
	default:
		return t.state() == state
	}
}

// sort puts threads in the order that was asked for: newest first, unless another one was.
func (c *call) sort(list []*thread) {
	byUpdate := c.query("sort") == "updated"
	slices.SortStableFunc(list, func(a, b *thread) int {
		if byUpdate && !a.updated.Equal(b.updated) {
			return b.updated.Compare(a.updated)
		}
		return b.number - a.number
	})
	if c.query("direction") == "asc" {
		slices.Reverse(list)
	}
}

func createPull(c *call) (reply, error) {
	var in newPull
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t, err := c.s.openPull(c.repo, in, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return c.fullPull(t, http.StatusCreated)
}

func (c *call) fullPull(t *thread, status int) (reply, error) {
	o, err := c.s.fullPullJSON(c.repo, t)
	return reply{status, o}, err
}

func getPull(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	if err := c.s.tryMerge(c.repo, t); err != nil {
		return reply{}, err
	}
	return c.fullPull(t, http.StatusOK)
}

func updatePull(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	var in threadEdit
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := c.s.editThread(c.repo, t, in, c.client.who); err != nil {
		return reply{}, err
	}
	return c.fullPull(t, http.StatusOK)
}

func listPullFiles(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	files, err := c.repo.pullFiles(t, t.pull.shownBase())
	if err != nil {
		return reply{}, err
	}
	return ok(c.s.filesJSON(c.repo, t.pull.headSHA, paged(c, files)))
}

func listPullCommits(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	shas, err := c.repo.pullCommits(t, t.pull.shownBase())
	if err != nil {
		return reply{}, err
	}
	list, err := c.s.commitsJSON(c.repo, paged(c, shas))
	return reply{http.StatusOK, list}, err
}

func isMerged(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	if !t.pull.merged {
		return reply{}, notFound()
	}
	return noContent()
}

func mergePull(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	var in mergeOrder
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	sha, err := c.s.merge(c.repo, t, in, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return ok(object{"sha": sha, "merged": true, "message": "Pull Request successfully merged"})
}
