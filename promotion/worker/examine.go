package worker

import (
	"context"
	"errors"
	"time"

	"ferry/forge"
	"ferry/promotion/doctor"
	"ferry/promotion/postgres"
)

// Examiner looks at how a forge is set up for these environment repositories, and says what is not as it should be.
type Examiner func(ctx context.Context, patients []doctor.Patient) (doctor.Report, error)

// examinePause is how often it is looked at: what it finds changes where a person changes it, most of which no delivery tells.
const (
	examinePause = time.Hour
	examineAgain = 5 * time.Minute // after a look that came to no end, or missed something
)

// watchSetups makes the forges due that let Ferry look at how they are set up.
func (w *Work) watchSetups(ctx context.Context) {
	for kind, connection := range w.Forges {
		if connection.Examine != nil {
			w.logged(w.Store.WatchSetup(ctx, kind, w.Now()))
		}
	}
}

// Examine looks at how a forge is set up, for the health page. Of all replicas one does it at a time.
func (w *Work) Examine(ctx context.Context, kind forge.Kind) (err error) {
	how := done
	defer func() { w.Metrics.job("examine", how, err) }()
	_, err = w.hold(ctx, "examine:"+string(kind), func(ctx context.Context, h *held) error {
		repositories, err := w.Store.Patients(ctx, kind, w.Now(), w.Now().Add(examineAgain))
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found, err := w.examine(ctx, kind, repositories)
		if err != nil {
			how = putOff
			w.Logger.Warn("looking at how the forge is set up is put off", "forge", kind, "error", err)
			return w.Store.PutOffExamination(ctx, kind, err.Error(), w.again(ctx, postgres.Repository{Forge: kind}, err, 9))
		}
		return w.recordExamination(ctx, h.lease, kind, found)
	})
	return err
}

// recordExamination writes down what was found. What could not be looked at is as it was found before, and looked at again soon.
func (w *Work) recordExamination(ctx context.Context, lease postgres.Lease, kind forge.Kind, found doctor.Report) error {
	e, next := postgres.Examination{Forge: kind, LookedAt: w.Now(), Findings: found.Findings}, w.Now().Add(examinePause)
	if found.Failure != nil {
		earlier, err := w.Store.Examinations(ctx)
		if err != nil {
			return err
		}
		for _, last := range earlier {
			if last.Forge == kind {
				e.Findings = found.With(last.Findings)
			}
		}
		e.Failure, next = found.Failure.Error(), w.Now().Add(examineAgain)
	}
	return w.Store.RecordExamination(ctx, lease, e, next)
}

func (w *Work) examine(ctx context.Context, kind forge.Kind, repositories []postgres.Repository) (doctor.Report, error) {
	connection, err := w.connection(kind)
	if err != nil || connection.Examine == nil {
		return doctor.Report{}, err
	}
	var patients []doctor.Patient
	for _, r := range repositories {
		p := doctor.Patient{Installation: r.Installation, Repo: r.Repo, Branch: r.DefaultBranch}
		if r.ConfigBlob != "" {
			p.Config, err = w.configs.get(r.ConfigName(), func() (postgres.ConfigContent, error) { return w.Store.ConfigContent(ctx, r.ID) })
		}
		if err != nil {
			return doctor.Report{}, err
		}
		patients = append(patients, p)
	}
	return connection.Examine(ctx, patients)
}
