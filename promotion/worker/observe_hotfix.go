package worker

import (
	"context"
	"strings"
	"time"

	"ferry/promotion"
)

// imageFinder says whether an image's registry has it, and fails where it does not say.
type imageFinder func(ctx context.Context, image promotion.Image) (bool, error)

// hotfixPatience is how long whoever asks for hotfixes waits for registries.
const hotfixPatience = 10 * time.Second

// hotfixed asks the registries whether they have the images that the comment's hotfixes name. It returns nil where it names none or no registry is asked.
func (l *look) hotfixed(ctx context.Context, number int, commands []promotion.Command) (list []promotion.CheckedImage, err error) {
	var words []string
	for _, c := range commands {
		for _, word := range c.Words {
			if c.Name == "hotfix" {
				words = append(words, strings.ToLower(strings.Trim(word, "`,:;.")))
			}
		}
	}
	if len(words) == 0 || l.Has == nil || l.config == nil {
		return nil, nil
	}
	apps, err := l.Store.StandingApps(ctx, l.repo.ID, number, words)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, hotfixPatience)
	defer cancel()
	list = []promotion.CheckedImage{} // a registry is there to be asked
	for _, image := range promotion.HotfixImages(commands, l.config, apps) {
		checked := promotion.CheckedImage{Image: image}
		if has, err := l.Has(ctx, image); err != nil {
			checked.Problem = err.Error()
		} else {
			checked.Missing = !has
		}
		list = append(list, checked)
	}
	return list, nil
}
