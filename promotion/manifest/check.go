package manifest

import "go.yaml.in/yaml/v4"

// maxExpanded bounds how many nodes a document has once its aliases are followed. A manifest of MaxSize without
// aliases stays below it.
const maxExpanded = 5_000_000

// maxReach bounds nesting with the aliases followed.
const maxReach = 5_000

// checkTrees refuses what the parser lets through when it gives nodes: duplicate keys, aliases that contain
// themselves, and aliases that expand to more than maxExpanded nodes or maxReach levels.
func checkTrees(docs []*yaml.Node) *Refusal {
	c := checker{weights: map[*yaml.Node]int{}, depths: map[*yaml.Node]int{}}
	for _, doc := range docs {
		if c.weigh(doc); c.refusal != nil {
			return c.refusal
		}
	}
	return nil
}

// checker walks each node once.
type checker struct {
	weights map[*yaml.Node]int // of anchored nodes; inProgress while it is inside of them
	depths  map[*yaml.Node]int // of anchored nodes, how many levels are below them
	below   int                // how many levels are below the node that was weighed last
	refusal *Refusal           // the first one
}

const inProgress = -1

// weigh returns how many nodes n has with its aliases followed.
func (c *checker) weigh(n *yaml.Node) int {
	if n.Anchor != "" {
		c.weights[n] = inProgress
	}
	if n.Kind == yaml.MappingNode {
		c.checkKeys(n)
	}
	weight, levels := 1, 0
	for _, child := range n.Content {
		if c.refusal != nil {
			return weight
		}
		weight = c.add(n, weight, c.weighChild(child))
		levels = max(levels, c.below+1)
	}
	if c.below = levels; levels > maxReach && c.refusal == nil {
		c.refusal = refuse(n, KindLimit, "its aliases lead more than %d levels deep", maxReach)
	}
	if n.Anchor != "" {
		c.weights[n], c.depths[n] = weight, levels
	}
	return weight
}

func (c *checker) weighChild(n *yaml.Node) int {
	if n.Kind != yaml.AliasNode {
		return c.weigh(n)
	}
	weight := c.weights[n.Alias]
	c.below = c.depths[n.Alias]
	if weight == inProgress {
		c.refusal = refuse(n, KindInvalid, "the alias *%s stands inside of what it repeats", n.Value)
	}
	return weight + 1
}

func (c *checker) add(n *yaml.Node, a, b int) int {
	if a+b > maxExpanded && c.refusal == nil {
		c.refusal = refuse(n, KindLimit, "its aliases expand to more than %d values", maxExpanded)
	}
	return min(a+b, maxExpanded)
}

// checkKeys refuses two equal keys. Small mappings, nearly all of them, are compared without a map.
func (c *checker) checkKeys(n *yaml.Node) {
	if len(n.Content) > 32 {
		c.checkManyKeys(n)
		return
	}
	for i := 2; i < len(n.Content); i += 2 {
		for j := 0; j < i; j += 2 {
			if sameKey(n.Content[i], n.Content[j]) {
				c.duplicate(n.Content[i])
			}
		}
	}
}

func (c *checker) checkManyKeys(n *yaml.Node) {
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if seen[key.Value] {
			c.duplicate(n.Content[i])
		}
		seen[key.Value] = true
	}
}

// sameKey compares by text alone: `1` and `"1"` are two keys of YAML, but one of JSON, which is what a cluster gets.
func sameKey(a, b *yaml.Node) bool {
	a, b = resolve(a), resolve(b)
	return a.Kind == yaml.ScalarNode && b.Kind == yaml.ScalarNode && a.Value == b.Value
}

func (c *checker) duplicate(key *yaml.Node) {
	if c.refusal == nil {
		c.refusal = refuse(key, KindDuplicateKey, "the key %q stands twice in one mapping; loaders disagree about which one counts", resolve(key).Value)
	}
}
