package checkout

// BeforeRename calls f before a file is renamed into its place. A rename that fails can't be had otherwise: whatever would make it fail is
// refused when the file is staged.
func (c *Checkout) BeforeRename(f func(path string)) {
	rename := c.rename
	c.rename = func(from, to string) error {
		f(to)
		return rename(from, to)
	}
}

// Limit lets the manifests have only so many bytes together.
func (c *Checkout) Limit(bytes int64) { c.most = bytes }
