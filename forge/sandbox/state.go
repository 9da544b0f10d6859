package sandbox

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// account is whoever can own a repository or do something in one.
type account struct {
	id      int64
	login   string
	kind    string // User, Organization or Bot
	email   string
	emails  []string // others of theirs
	token   string   // a person's; empty for the others
	created time.Time
}

// repository is one repository with everything the forge keeps beside its Git data.
type repository struct {
	id       int64
	owner    *account
	name     string
	git      *bare.Repo
	branch   string // the default one
	created  time.Time
	pushed   time.Time
	roles    map[int64]forge.Permission // of accounts that were given one
	threads  []*thread                  // issues and pull requests share their numbers: number n is at n-1
	statuses map[string][]*status       // by commit, oldest first
	checks   []*checkRun                // oldest first
	deployed []*deployment              // oldest first
	signed   map[string]bool            // commits that the forge made itself and vouches for
	parent   *repository                // of a fork
	guards   []Protection               // in the order in which they were made
	rulesets []*ruleset
	methods  []forge.MergeMethod // that merges may be made by; all where there is none
	touched  bool                // since it was remembered
	history  []*version          // while reads lag, oldest first
	past     map[string]string   // in an older version: its references
}

func (r *repository) fullName() string { return r.owner.login + "/" + r.name }

// thread is an issue, or with pull set a pull request.
type thread struct {
	id        int64
	number    int
	title     string
	body      string
	author    *account
	open      bool
	created   time.Time
	updated   time.Time
	closed    time.Time
	closedBy  *account
	comments  []*comment
	labels    []string
	assignees []*account
	pull      *pull
	gone      bool   // deleted, or transferred
	movedTo   string // where it was transferred to: the address below the API's root
}

// pull is what a pull request has beyond an issue.
type pull struct {
	id         int64
	head       string // branch names
	base       string
	from       int64    // id of the head's repository
	owner      *account // of the head's repository, which may be gone
	reviews    []*review
	emptied    bool   // closed by the forge, because its head was moved to where nothing is left to merge
	headSHA    string // while open where the branch stands, afterwards where it stood
	baseSHA    string
	baseSeen   string // where the base stood when the head last moved
	auto       *armed // native auto-merge
	queued     *armed // in the merge queue
	group      *group // that the queue has made of it
	draft      bool
	merged     bool
	mergedAt   time.Time
	mergedBy   *account
	mergeSHA   string // of the merge once merged
	trial      trial
	counted    pullSize
	asked      []*account // for a review
	askedTeams []string   // by slug
}

// trial is the forge's try whether a pull request merges. GitHub makes it some time after it was asked for.
type trial struct {
	head, base string // what it was asked for
	done       bool
	clean      bool
	sha        string // the commit that the try made
}

type comment struct {
	id        int64
	author    *account
	body      string
	created   time.Time
	updated   time.Time
	reactions []*reaction
}

type reaction struct {
	id      int64
	author  *account
	content string
	created time.Time
}

type status struct {
	id          int64
	app         int64 // that posted it; 0 for a person
	context     string
	state       string
	description *string
	target      *string
	creator     *account
	created     time.Time
}

// app is a GitHub App.
type app struct {
	id          int64
	slug        string
	bot         *account
	owner       *account
	key         *rsa.PublicKey
	hookID      int64
	hookURL     string
	hookSecret  string
	permissions map[string]string
	events      []string
	created     time.Time
	spec        AppSpec // what it was made with
}

// installation is an app let in by an account.
type installation struct {
	id        int64
	app       *app
	account   *account
	repos     map[int64]bool
	created   time.Time
	updated   time.Time
	suspended time.Time
}

// grant is one installation token.
type grant struct {
	installation *installation
	repos        map[int64]bool // nil: all that the installation has
	permissions  map[string]string
	expires      time.Time
}

// state is everything the sandbox knows beside the Git data.
type state struct {
	last          int64
	accounts      map[string]*account // by lower-case login
	byToken       map[string]*account
	byEmail       map[string]*account
	repos         map[string]*repository // by lower-case full name
	apps          map[int64]*app
	installations map[int64]*installation
	grants        map[string]*grant
	teams         map[string]*team       // by lower-case organization/slug
	conversions   map[string]*conversion // by code; not kept over a restart
}

func newState() state {
	return state{
		accounts:      map[string]*account{},
		byToken:       map[string]*account{},
		byEmail:       map[string]*account{},
		repos:         map[string]*repository{},
		apps:          map[int64]*app{},
		installations: map[int64]*installation{},
		grants:        map[string]*grant{},
		teams:         map[string]*team{},
		conversions:   map[string]*conversion{},
	}
}

// nextID returns a number that nothing else has. All kinds share one sequence, so that a client that takes one kind's
// number for another's is found out.
func (st *state) nextID() int64 {
	st.last++
	return 1000 + st.last
}

func (st *state) account(login string) *account { return st.accounts[strings.ToLower(login)] }

func (st *state) repo(fullName string) *repository { return st.repos[strings.ToLower(fullName)] }

func (st *state) repoByID(id int64) *repository {
	for _, r := range st.repos {
		if r.id == id {
			return r
		}
	}
	return nil
}

// appBy returns the App whose account a bot is, and nil for none.
func (st *state) appBy(bot *account) *app {
	for _, a := range st.apps {
		if a.bot == bot {
			return a
		}
	}
	return nil
}

// role returns what who may do in r. Every account may read, as in GitHub's public repositories.
func (r *repository) role(who *account) forge.Permission {
	if who == nil {
		return forge.PermissionRead
	}
	if who.id == r.owner.id {
		return forge.PermissionAdmin
	}
	return max(r.roles[who.id], forge.PermissionRead)
}

func (r *repository) thread(number int) *thread {
	if number < 1 || number > len(r.threads) {
		return nil
	}
	return r.threads[number-1]
}

// pullRequests returns the repository's pull requests, oldest first.
func (r *repository) pullRequests() []*thread {
	var found []*thread
	for _, t := range r.threads {
		if t.pull != nil {
			found = append(found, t)
		}
	}
	return found
}

func (r *repository) comment(id int64) (*thread, *comment) {
	for _, t := range r.threads {
		for _, c := range t.comments {
			if c.id == id {
				return t, c
			}
		}
	}
	return nil, nil
}

// head returns where a branch stands, and "" where there is no such branch.
func (r *repository) head(branch string) string {
	sha, err := r.ref("refs/heads/" + branch)
	if err != nil {
		return ""
	}
	return sha
}

// signature is how who signs a commit.
func (a *account) signature(at time.Time) bare.Signature {
	return bare.Signature{Name: a.login, Email: a.email, When: at}
}

// webFlow is how the forge signs the commits it makes itself.
func webFlow(at time.Time) bare.Signature {
	return bare.Signature{Name: "GitHub", Email: "noreply@github.com", When: at}
}

// nodeID makes the opaque second name that GitHub gives everything for its GraphQL API.
func nodeID(kind string, id any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%02d:%s%v", len(kind), kind, id))
}
