// Command engine does what Argo CD's notifications controller does with Applications, by Argo CD's own notifications engine: it runs the triggers of a
// ConfigMap for each, renders the templates, and sends them. Ferry's tests run it.
//
// It reads {"config": {…}, "secret": {…}, "applications": […]} from its input: a ConfigMap, the data of a Secret, and the states of Applications in the
// order in which the controller sees them. Its exit status is 1 where something could not be sent; what was wrong stands in its output.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/controller"
	"github.com/argoproj/notifications-engine/pkg/services"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type input struct {
	Config       corev1.ConfigMap         `json:"config"`
	Secret       map[string]string        `json:"secret"`
	Applications []map[string]interface{} `json:"applications"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
}

func run() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	secret := corev1.Secret{Data: map[string][]byte{}}
	for key, value := range in.Secret {
		secret.Data[key] = []byte(value)
	}
	config, err := api.ParseConfig(&in.Config, &secret)
	if err != nil {
		return err
	}
	engine, err := api.NewAPI(*config, func(app map[string]interface{}, _ services.Destination) map[string]interface{} {
		return map[string]interface{}{"app": app, "context": map[string]string{"argocdUrl": "https://argocd.example.com"}}
	})
	if err != nil {
		return err
	}
	seen := map[string]controller.NotificationsState{}
	for _, object := range in.Applications {
		app := unstructured.Unstructured{Object: object}
		if seen[app.GetName()] == nil {
			seen[app.GetName()] = controller.NewState("")
		}
		if err := notify(engine, app, seen[app.GetName()]); err != nil {
			return fmt.Errorf("%s: %w", app.GetName(), err)
		}
	}
	return nil
}

// notify sends what is new since the Application was seen last, as the controller does.
func notify(engine api.API, app unstructured.Unstructured, seen controller.NotificationsState) error {
	for trigger, destinations := range engine.GetConfig().GetGlobalDestinations(app.GetLabels()) {
		results, err := engine.RunTrigger(trigger, app.Object)
		if err != nil {
			return err
		}
		for _, result := range results {
			for _, to := range destinations {
				if !seen.SetAlreadyNotified(false, "", trigger, result, to, result.Triggered) || !result.Triggered {
					continue
				}
				fmt.Printf("%s: %s\n", app.GetName(), result.OncePer)
				if err := engine.Send(app.Object, result.Templates, to); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
