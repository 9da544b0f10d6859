package forge

// MergeQueue is what a forge's merge queue holds for one branch.
type MergeQueue struct {
	Exists  bool // the branch's pull requests are merged by it
	Entries []Queued
}

// Queued is a pull request in a merge queue, in the queue's order.
type Queued struct {
	Number int
	By     string // the login of who added it
	Group  SHA    // the head of its merge group; empty: none is made yet
}

// GroupHint says that a merge queue has made a group, or has given one up. A group is one pull request with all that are before it in the queue, and its head
// is what the branch will be moved to.
type GroupHint struct {
	Branch string // that the queue is of
	Head   SHA
	Base   SHA // what the group was made on: the branch's head, or the head of the group before
	Number int // of its last pull request, 0 where that is not told
	Gone   bool
}
