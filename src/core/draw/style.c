/*
 * style.c
 *		The style sheet all figures share, and the names of its colours.
 */
#include "draw/gh_svg.h"

#include <math.h>

/*
 * Classes only, no variables: converters such as rsvg and Inkscape know those.
 * A figure shown alone follows the reader's preference for light or dark.
 */
static const char style[] =
".gh{font:13px Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif}"
".gh text{fill:#1f2328;direction:ltr;unicode-bidi:isolate;white-space:pre}"
".gh .t{font-size:17px;font-weight:bold}"
".gh .a,.gh .c{font-size:12px}"
".gh .n{font-size:15px;font-weight:bold}"
".gh .b{font-weight:bold}"
".gh .s,.gh .a,.gh .m{fill:#57606a}"
".gh .halo{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}"
".gh .bg{fill:#fff}"
".gh .grid{stroke:#e1e4e8}.gh .axis{stroke:#8c959f}.gh .rule{stroke:#57606a;stroke-dasharray:4 3}"
".gh .edge{stroke:#fff}"
".gh .faint{fill:#c3c9d0}"
".gh .none{fill:none}.gh .ink{stroke:#1f2328}"
".gh .f0{fill:#0072b2}.gh .f1{fill:#d55e00}.gh .f2{fill:#009e73}.gh .f3{fill:#cc79a7}"
".gh .f4{fill:#e69f00}.gh .f5{fill:#56b4e9}.gh .f6{fill:#882255}.gh .f7{fill:#8c564b}"
".gh .s0{stroke:#0072b2}.gh .s1{stroke:#d55e00}.gh .s2{stroke:#009e73}.gh .s3{stroke:#cc79a7}"
".gh .s4{stroke:#e69f00}.gh .s5{stroke:#56b4e9}.gh .s6{stroke:#882255}.gh .s7{stroke:#8c564b}"
".gh .q0{fill:#0b5fc0}.gh .q1{fill:#2a69bb}.gh .q2{fill:#4373b5}.gh .q3{fill:#5b7cae}.gh .q4{fill:#7584a6}"
".gh .q5{fill:#8f8b9b}.gh .q6{fill:#a58a86}.gh .q7{fill:#b9896f}.gh .q8{fill:#cb8757}.gh .q9{fill:#dc843c}"
".gh .q10{fill:#ec8013}.gh .qn{fill:#c3c9d0}"
".gh .v0{stroke:#0b5fc0}.gh .v1{stroke:#2a69bb}.gh .v2{stroke:#4373b5}.gh .v3{stroke:#5b7cae}"
".gh .v4{stroke:#7584a6}.gh .v5{stroke:#8f8b9b}.gh .v6{stroke:#a58a86}.gh .v7{stroke:#b9896f}"
".gh .v8{stroke:#cb8757}.gh .v9{stroke:#dc843c}.gh .v10{stroke:#ec8013}.gh .vn{stroke:#c3c9d0}"
"@media (prefers-color-scheme:dark){"
".gh text{fill:#e6edf3}.gh .s,.gh .a,.gh .m{fill:#a3acb6}"
".gh .halo{stroke:#14171c}.gh .bg{fill:#14171c}"
".gh .grid{stroke:#2b3138}.gh .axis{stroke:#7a838d}.gh .rule{stroke:#a3acb6}"
".gh .ink{stroke:#e6edf3}.gh .edge{stroke:#14171c}.gh .faint,.gh .qn{fill:#4a525b}.gh .vn{stroke:#4a525b}"
".gh .f0{fill:#3b82d6}.gh .f1{fill:#e8590c}.gh .f2{fill:#66d9a0}.gh .f3{fill:#e59ac4}"
".gh .f4{fill:#ffd43b}.gh .f5{fill:#a5d8ff}.gh .f6{fill:#b0436f}.gh .f7{fill:#9c6644}"
".gh .s0{stroke:#3b82d6}.gh .s1{stroke:#e8590c}.gh .s2{stroke:#66d9a0}.gh .s3{stroke:#e59ac4}"
".gh .s4{stroke:#ffd43b}.gh .s5{stroke:#a5d8ff}.gh .s6{stroke:#b0436f}.gh .s7{stroke:#9c6644}"
".gh .q0{fill:#3d8bf0}.gh .v0{stroke:#3d8bf0}.gh .q1{fill:#4a8be2}.gh .v1{stroke:#4a8be2}"
"}";

const char *
gh_svg_style(void)
{
	return style;
}

const char *
gh_fill_class(size_t i)
{
	static const char *const classes[GH_PALETTE] = {"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7"};

	return classes[i % GH_PALETTE];
}

const char *
gh_stroke_class(size_t i)
{
	static const char *const classes[GH_PALETTE] = {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"};

	return classes[i % GH_PALETTE];
}

static int
ramp_step(double share)
{
	double		step = floor(share * GH_RAMP);

	return step < 0 ? 0 : step >= GH_RAMP ? GH_RAMP - 1 : (int) step;
}

const char *
gh_ramp_fill(double share)
{
	static const char *const classes[GH_RAMP] = {"q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10"};

	return isnan(share) ? "qn" : classes[ramp_step(share)];
}

const char *
gh_ramp_stroke(double share)
{
	static const char *const classes[GH_RAMP] = {"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10"};

	return isnan(share) ? "vn" : classes[ramp_step(share)];
}
