package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"ferry/promotion"
	"ferry/promotion/argocd"
	"ferry/promotion/postgres"
)

// maxApplication is the largest message about an Application that is taken.
const maxApplication = 1 << 20

// argoCD takes what Argo CD's notifications say of an Application, as reports of the apps whose manifests it is made of.
func (s *server) argoCD(w http.ResponseWriter, r *http.Request) error {
	token, err := s.bearer(r, postgres.TokenAgent)
	if err != nil {
		return err
	}
	if chi.URLParam(r, "reporter") != token.Reporter {
		return &problem{http.StatusNotFound, fmt.Sprintf("the token is of another reporter than the address; that of %s in %s is /webhooks/argocd/%s", token.Environment, token.FullName, token.Reporter)}
	}
	body, err := readBody(w, r, maxApplication)
	if err != nil {
		return err
	}
	application, err := argocd.Read(body)
	if err != nil {
		return &problem{http.StatusBadRequest, err.Error()}
	}
	reports, err := s.applicationReports(r, token, application)
	if err != nil {
		return err
	}
	if len(reports) > 0 {
		if err := s.Store.StoreReports(r.Context(), token, reports, s.Now()); err != nil {
			return err
		}
	}
	s.Logger.Info("reports", "repository", token.FullName, "environment", token.Environment, "application", application.Name, "reports", len(reports))
	answer(w, http.StatusAccepted, map[string]any{"accepted": len(reports)})
	return nil
}

// applicationReports returns what the message means for each app that it is about: those that its labels name, else those that have a manifest or
// values where it takes its own from. Where nothing was synced yet, there is nothing to report.
func (s *server) applicationReports(r *http.Request, token postgres.Token, a argocd.Application) ([]promotion.AgentReport, error) {
	source, paths, own := a.From(token.FullName)
	if !own {
		return nil, &promotion.FieldError{Field: "source.repoURL", Problem: fmt.Sprintf("%s takes nothing from %s, of which the token is", a.Name, token.FullName)}
	}
	place, err := s.Store.FindPlace(r.Context(), token, paths)
	if err != nil {
		return nil, err
	}
	if want := a.Ferry.Environment; want != "" && want != token.Environment && want != place.Environment {
		return nil, &promotion.FieldError{Field: "ferry.environment", Problem: fmt.Sprintf("%s is labelled as of %q and the token is of %q: subscribe it to the service of its own environment", a.Name, want, place.Environment)}
	}
	apps := a.Apps()
	if len(apps) == 0 {
		apps = place.Apps
	}
	if len(apps) == 0 {
		return nil, &promotion.FieldError{Field: "source.path", Problem: fmt.Sprintf("no app of %s in %s has a manifest at %s: name it with the label ferry.dev/app", token.FullName, place.Environment, strings.Join(paths, ", "))}
	}
	if len(apps) > promotion.MaxReports {
		return nil, &promotion.FieldError{Field: "source.path", Problem: fmt.Sprintf("%d apps have a manifest below it; at most %d are taken at once", len(apps), promotion.MaxReports)}
	}
	cluster, err := clusterOf(a, place)
	if err != nil {
		return nil, err
	}
	report, ok := a.Report(source)
	if !ok {
		return nil, nil
	}
	return forEach(apps, report, cluster)
}

func forEach(apps []string, report promotion.AgentReport, cluster string) ([]promotion.AgentReport, error) {
	out := make([]promotion.AgentReport, len(apps))
	for i, app := range apps {
		one := report
		one.App, one.Cluster = app, cluster
		var err error
		if out[i], err = one.Normalise(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// clusterOf returns which of the environment's clusters the Application is in: the one that its label names, else the one that its destination is
// called, else the only one.
func clusterOf(a argocd.Application, place postgres.ReportPlace) (string, error) {
	switch {
	case a.Ferry.Cluster != "" && slices.Contains(place.Clusters, a.Ferry.Cluster):
		return a.Ferry.Cluster, nil
	case a.Ferry.Cluster == "" && slices.Contains(place.Clusters, a.Destination.Name):
		return a.Destination.Name, nil
	case a.Ferry.Cluster == "" && len(place.Clusters) == 1:
		return place.Clusters[0], nil
	}
	return "", &promotion.FieldError{Field: "ferry.cluster", Problem: fmt.Sprintf("%s is in the clusters %s: say with the label ferry.dev/cluster in which of them %s is", place.Environment, strings.Join(place.Clusters, ", "), a.Name)}
}
