// Package shim hands out the provider that terraform-provider-random keeps in an internal package.
//
// Go lets only code whose import path lies under the provider's own import it, hence this module's name.
package shim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"
	internal "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns the upstream provider, unchanged.
func NewProvider() provider.Provider {
	return internal.New()
}
