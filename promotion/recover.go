package promotion

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Recovery is what the forge remembers of an earlier database: the facts that Ferry does not find by looking at what stands now.
type Recovery struct {
	Past          []Past
	Promotions    []PastPromotion // oldest first
	Sources       []Announced     // oldest first
	Contributions []AppContribution
	Statuses      []StandingStatus
	Left          []LeftHead
	Cut           bool // the history is longer than Ferry reads back
}

// Past is what stood of an app in one environment, the oldest first. FirstSeq counts the branch's revisions as they were read back, from 1; Recovered is
// set where something was known of the deployment before.
type Past struct {
	Place       config.Place
	Deployments []Deployment
	Unlisted    bool // the branch ferry-state names no baseline of it
}

// PastPromotion is a pull request of Ferry's own.
type PastPromotion struct {
	Pull     PullFacts
	Place    config.Place
	Release  Release
	Intent   string
	Asker    string
	Reason   string // why the asker wanted it at once
	State    PromotionState
	Rejected bool // by the person who closed it, and nobody has taken that back since
	Own      bool // its head is a commit of Ferry's own
	Applied  any  // of an open one: what the act on it has to know
	Given    []PastGiven
	Same     []forge.SHA // earlier heads of Ferry's own with exactly the same edit
	Train    string      // the group whose train it was; then Place names the group until it is taken apart
	Cars     []Car       // of a train: everything that it showed
}

// Apart returns what a train's pull request was to each of its apps; of another one, just that.
func (p PastPromotion) Apart(c *config.Config) []PastPromotion {
	if p.Train == "" {
		return []PastPromotion{p}
	}
	var out []PastPromotion
	for i, one := range p.Cars {
		car := p
		car.Place = c.Current(config.Place{Environment: p.Place.Environment, App: one.App})
		car.Release, car.Intent, car.Asker = one.Release, one.Intent, one.Asker
		if i > 0 {
			car.Given = nil // it is given to all of it
		}
		out = append(out, car)
	}
	return out
}

// PastGiven is what a person gave a pull request by a command, as Ferry's answer keeps it, and what they may do now.
type PastGiven struct {
	Given
	Comment int64
	Person  Person
	At      time.Time
}

// Stands says whether who gave it may still give it, by the roles of the environment.
func (g PastGiven) Stands(c *config.Config, environment string) bool {
	spec, ok := specOf(g.Command)
	env, known := c.Environment(environment)
	return ok && known && !g.Person.Bot && g.Person.plays(roleIn(env.Roles, spec))
}

// AppContribution is what one app had added to a commit status.
type AppContribution struct {
	App string
	Contribution
}

// StandingStatus is a commit status of Ferry's own that stands at the forge.
type StandingStatus struct {
	Target string // owner/name of a source repository; empty: the environment repository
	SHA    forge.SHA
	Status forge.Status
}

// LeftHead is the head of a pull request that was closed unmerged, on which Ferry's ferry/gates is green.
type LeftHead struct {
	Number int
	SHA    forge.SHA
}

// Trailers is what a commit of Ferry's says of itself.
type Trailers struct {
	Place         config.Place
	Release       Release
	Intent, Asker string
	Reason        string
	Sources       []Announced
}

// ParseCars reads the trailers of a commit message of Ferry's, of each app that it names, and the group that they travel with; "" where one goes alone.
func ParseCars(message string) (group string, cars []Trailers) {
	var sections []string
	for line := range strings.Lines(message) {
		switch {
		case strings.HasPrefix(line, "Ferry-Group: "):
			group = strings.TrimSpace(strings.TrimPrefix(line, "Ferry-Group: "))
		case strings.HasPrefix(line, "Ferry-App: "):
			sections = append(sections, line)
		case len(sections) > 0:
			sections[len(sections)-1] += line
		}
	}
	for _, section := range sections {
		if t, ok := ParseTrailers(section); ok {
			cars = append(cars, t)
		}
	}
	return group, cars
}

// ParseTrailers reads the trailers of a commit message of Ferry's; false where it has none.
func ParseTrailers(message string) (t Trailers, ok bool) {
	texts := map[string]*string{"Ferry-App": &t.Place.App, "Ferry-Environment": &t.Place.Environment, "Ferry-Intent": &t.Intent, "Ferry-Asker": &t.Asker, "Ferry-Reason": &t.Reason}
	var images []Image
	for line := range strings.Lines(message) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if text, ok := texts[key]; ok {
			*text = value
		}
		if key == "Ferry-Release" {
			images = append(images, ParseImage(value))
		}
		if a, ok := parseSource(value); ok && key == "Ferry-Source" {
			t.Sources = append(t.Sources, a)
		}
	}
	t.Release = NewRelease(images...)
	for i := range t.Sources {
		if image, ok := t.Release.Image(t.Sources[i].Image.Name); ok && image.Tag == t.Sources[i].Image.Tag {
			t.Sources[i].Image = image
		}
	}
	if t.Intent == IntentUpdate { // what CI announced without a commit
		for _, image := range t.Release {
			if !slices.ContainsFunc(t.Sources, func(a Announced) bool { return a.Image.Name == image.Name }) {
				t.Sources = append(t.Sources, Announced{Image: image})
			}
		}
	}
	return t, t.Place.App != "" && t.Place.Environment != "" && len(t.Release) > 0
}

// parseSource reads IMAGE@TAG REPO@SHA.
func parseSource(value string) (a Announced, ok bool) {
	image, source, _ := strings.Cut(value, " ")
	i, j := strings.LastIndexByte(image, '@'), strings.LastIndexByte(source, '@')
	if i < 0 || j < 0 {
		return a, false
	}
	sha, err := forge.ParseSHA(source[j+1:])
	if err != nil || sha == "" {
		return a, false
	}
	if _, err := forge.ParseFullName(source[:j]); err != nil {
		return a, false
	}
	return Announced{Image: Image{Name: image[:i], Tag: image[i+1:]}, Source: source[:j], Commit: sha}, true
}

// Stand notes what stands in the environment from a revision on, as an observation of that revision would have.
func (p *Past) Stand(seq int64, revision forge.SHA, at time.Time, release Release, problem string) {
	current := p.current()
	if current != nil && current.Problem == problem && current.Release.Same(release) && (release != nil || problem != "") {
		for i := range current.Release {
			if current.Release[i].Digest == "" {
				current.Release[i].Digest = release[i].Digest
			}
		}
		return
	}
	if current != nil {
		current.Ended, current.State = true, DeploymentSuperseded
	}
	if release == nil && problem == "" {
		return
	}
	p.Deployments = append(p.Deployments, Deployment{Release: slices.Clone(release), Problem: problem, FirstSeq: seq, FirstSHA: revision, State: DeploymentPending, Since: at})
}

// Brought notes who made the revision, where the deployment that stands began with it.
func (p *Past) Brought(revision forge.SHA, by Bringers) {
	if d := p.current(); d != nil && d.FirstSHA == revision {
		d.BroughtBy, d.BroughtAlso = by.Login, by.Also
	}
}

func (p *Past) current() *Deployment {
	if n := len(p.Deployments); n > 0 && !p.Deployments[n-1].Ended {
		return &p.Deployments[n-1]
	}
	return nil
}

// Begin lets the past begin with the baseline: with what stood at the baseline's revision, at seq (0: that revision was not read back). Where no
// baseline is named, Seen finds it.
func (p *Past) Begin(b *Baseline, seq int64) {
	if p.Unlisted = b == nil; p.Unlisted {
		return
	}
	switch {
	case seq > 0:
		p.Deployments = slices.DeleteFunc(p.Deployments, func(d Deployment) bool { return p.endedBefore(d, seq) })
		if len(p.Deployments) > 0 && p.Deployments[0].FirstSeq < seq {
			p.Deployments[0].FirstSeq, p.Deployments[0].FirstSHA = seq, b.Revision
		}
	case b.Revision == "":
		first := slices.IndexFunc(p.Deployments, func(d Deployment) bool { return d.Problem == "" && d.Release.Same(b.Release) })
		p.Deployments = p.Deployments[max(first, 0):]
	}
	if len(p.Deployments) > 0 && (p.Deployments[0].Problem != "" || p.Deployments[0].Release.Same(b.Release)) {
		first := &p.Deployments[0]
		first.Baseline, first.Recovered = true, first.Since
		if b.Revision != "" {
			first.FirstSHA = b.Revision
		}
		return
	}
	// It stood there longer ago than was read back.
	p.Deployments = slices.Insert(p.Deployments, 0, Deployment{Release: b.Release, FirstSHA: b.Revision, Baseline: true, Ended: true, Settled: true, State: DeploymentSuperseded})
}

// Seen lets a past whose baseline is named nowhere begin before the first deployment that has a status of Ferry's; where none has, Ferry has seen
// nothing of it, and what stands now is the baseline.
func (p *Past) Seen() {
	if !p.Unlisted || len(p.Deployments) == 0 {
		return
	}
	first := slices.IndexFunc(p.Deployments, func(d Deployment) bool { return !d.Recovered.IsZero() })
	if first < 0 {
		first = len(p.Deployments)
	}
	p.Deployments = p.Deployments[max(first-1, 0):]
	if d := &p.Deployments[0]; d.Recovered.IsZero() {
		d.Baseline, d.Recovered = true, d.Since
	}
}

// endedBefore says whether another deployment took d's place at or before seq.
func (p *Past) endedBefore(d Deployment, seq int64) bool {
	i := slices.IndexFunc(p.Deployments, func(x Deployment) bool { return x.FirstSeq == d.FirstSeq })
	return i+1 < len(p.Deployments) && p.Deployments[i+1].FirstSeq <= seq
}

// foldedWords is how a status reads to which several apps contribute (see Fold).
var (
	foldedWords  = regexp.MustCompile(`^\d+ of \d+ apps(?:, waiting for (.*))?$`)
	instantWords = regexp.MustCompile(`(?:since|at) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)`)
)

// ReadBack brings the deployment to what its statuses, the oldest first, tell of the app: the status history of a revision is where convergence and
// soak are kept. It returns what the app had contributed to the last one, and false where there is none.
func (d *Deployment) ReadBack(app string, statuses []forge.PostedStatus) (c AppContribution, ok bool) {
	for i, s := range statuses {
		if i == 0 {
			d.Since, d.Recovered = s.At, s.At
		}
		c = AppContribution{App: app, Contribution: Contribution{SHA: d.FirstSHA, Context: s.Context, State: s.State, Description: s.Description}}
		if words := foldedWords.FindStringSubmatch(s.Description); words != nil {
			waiting := strings.Split(words[1], ", ")
			cut := strings.HasSuffix(words[1], "…") // the list was too long, and this app may have been in it
			if s.State != forge.Success && !cut && !slices.Contains(waiting, app) {
				c.State = forge.Success
			}
			s.Description = ""
		}
		d.readBack(app, c.State, s)
	}
	return c, len(statuses) > 0
}

// CalledNow returns the text of a status with the app's name of now where it begins with, or waits for, one that the app had before.
func CalledNow(text string, app config.App) string {
	for _, was := range app.Was {
		if rest, ok := strings.CutPrefix(text, was+" "); ok {
			text = app.Name + " " + rest
		}
	}
	words := foldedWords.FindStringSubmatch(text)
	if words == nil || words[1] == "" || len(app.Was) == 0 {
		return text
	}
	names := strings.Split(words[1], ", ")
	for i, name := range names {
		if slices.Contains(app.Was, name) {
			names[i] = app.Name
		}
	}
	return strings.TrimSuffix(text, words[1]) + strings.Join(names, ", ")
}

func (d *Deployment) readBack(app string, state forge.State, s forge.PostedStatus) {
	message := offeredForm.ReplaceAllString(strings.TrimPrefix(s.Description, app+" "+d.Release.Version()+": "), "")
	d.Settled = d.Ended && state != forge.Pending && !strings.Contains(s.Description, " runs in ")
	switch state {
	case forge.Success:
		d.arrived(s)
		return
	case forge.Failure:
		d.DegradedFrom = d.degradedSince(DeploymentDegraded, s.At)
		d.State, d.HealthyFrom, d.Soaked = DeploymentDegraded, time.Time{}, 0
		if strings.HasPrefix(message, "failed") {
			d.State = DeploymentFailed
		}
	case forge.Error:
		if _, last, ok := strings.Cut(message, "; last: "); ok {
			message = last
		}
		d.Soaked, d.HealthyFrom = d.soakedAt(s.At, time.Time{}), time.Time{} // silence stops the soak
		if d.State == DeploymentConverged {
			return
		}
		d.State = DeploymentPending
	default:
		d.State, d.DegradedFrom = DeploymentPending, time.Time{}
	}
	if d.Message = message; message == "" {
		d.Message = "as the statuses say"
	}
}

// arrived notes a success: the first one is convergence, and says since when; a later one is that the release is healthy again.
func (d *Deployment) arrived(s forge.PostedStatus) {
	at := s.At
	if m := instantWords.FindStringSubmatch(s.Description); m != nil && d.ConvergedAt.IsZero() {
		if said, err := time.Parse("2006-01-02 15:04:05 MST", m[1]); err == nil && said.Before(at) {
			at = said.UTC()
		}
	}
	if d.ConvergedAt.IsZero() {
		d.ConvergedAt = at
	}
	if d.HealthyFrom.IsZero() && !strings.Contains(s.Description, " converged in ") {
		d.HealthyFrom = at
	}
	d.State, d.Message, d.DegradedFrom = DeploymentConverged, "", time.Time{}
}

// Complete ends the soaks of what was replaced, and takes what Ferry itself proposed as proof that it had converged upstream, where no status says so.
func (r *Recovery) Complete(c *config.Config) {
	for _, p := range r.Promotions {
		env, ok := c.Settings(p.Place.App, p.Place.Environment)
		if !ok || p.Intent != IntentPromotion || p.State != PromotionOpen {
			continue
		}
		for _, from := range env.From {
			if env.FromAny && len(env.From) > 1 { // which of them, nobody can say
				break
			}
			r.converged(config.Place{App: p.Place.App, Environment: from}, p.Release, p.Pull.CreatedAt)
		}
	}
	for i := range r.Promotions {
		r.underWay(&r.Promotions[i])
	}
	for _, past := range r.Past {
		for i := range past.Deployments {
			d := &past.Deployments[i]
			if !d.Ended {
				continue
			}
			d.State, d.Message, d.Settled = DeploymentSuperseded, "", d.Settled || d.Recovered.IsZero()
			if i+1 < len(past.Deployments) {
				d.Soaked = d.soakedAt(past.Deployments[i+1].Since, time.Time{})
			}
			if !d.HealthyFrom.IsZero() { // healthy to its end, if only within the second to which the forge tells times
				d.Soaked = max(d.Soaked, 1)
			}
			d.HealthyFrom = time.Time{}
		}
	}
}

// underWay notes of a merged promotion that what it brought has not converged yet.
func (r *Recovery) underWay(p *PastPromotion) {
	i := slices.IndexFunc(r.Past, func(x Past) bool { return x.Place == p.Place })
	if i < 0 || !p.Pull.Merged || len(p.Release) == 0 {
		return
	}
	if d := r.Past[i].current(); d != nil && d.Problem == "" && d.Release.Same(p.Release) && d.ConvergedAt.IsZero() {
		p.State = PromotionMerged
	}
}

// converged takes it that the release had converged at a place by then.
func (r *Recovery) converged(place config.Place, release Release, at time.Time) {
	i := slices.IndexFunc(r.Past, func(p Past) bool { return p.Place.App == place.App && p.Place.Environment == place.Environment })
	if i < 0 {
		return
	}
	for j := range slices.Backward(r.Past[i].Deployments) {
		d := &r.Past[i].Deployments[j]
		if d.Problem != "" || !d.Release.Same(release) {
			continue
		}
		if d.ConvergedAt.IsZero() && d.State == DeploymentPending || d.Ended && d.ConvergedAt.IsZero() {
			d.ConvergedAt, d.HealthyFrom, d.Recovered, d.State, d.Message = at, at, at, DeploymentConverged, ""
		}
		return
	}
}

// Settle says of each closed promotion whether its rejection still stands: a person's close rejects, unless a person asked for the app there again,
// or Ferry itself, which never proposes what is rejected, has proposed the same release since.
func (r *Recovery) Settle() {
	for i := range r.Promotions {
		p := &r.Promotions[i]
		p.Rejected = p.Rejected && !slices.ContainsFunc(r.Promotions[i+1:], func(later PastPromotion) bool {
			byPerson := later.Asker != "" && later.Intent == IntentPromotion
			return later.Place == p.Place && (byPerson || later.Release.Same(p.Release))
		})
		if p.State == PromotionRejected && !p.Rejected {
			p.State = PromotionSuperseded
		}
	}
}
