// The features of IM2GPS (Hays and Efros, CVPR 2008), each of a batch of photos: [N, size], in the order and of the
// sizes of model/classical_blocks.h. Its paper's details are not verified: where a number below is not in its abstract,
// the rule is ours. Photos are [N, 3, S, S] from 0 to 1, S a multiple of 16, at least 128.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <vector>

#include "model/line_segments.h"

namespace dualgeo {

// Red, green and blue of 16 x 16 cells, channel by channel.
torch::Tensor TinyImage(const torch::Tensor& photos);

// CIE L*a*b* (D65) of sRGB, [N, 3, S, S].
torch::Tensor InLab(const torch::Tensor& photos);
// The joint histogram of 4 lightnesses (of 25 each) and 14 x 14 colours (a and b from -110 to 110), which adds up to 1.
torch::Tensor ColorHistogram(const torch::Tensor& lab);

// Responses of a bank of 12 Gabor filters of 4 pixels' wavelength, even and odd in 6 orientations (0: upright edges,
// then counter to the clock in the photo's x and y), at 4 scales: the lightness at half of S, a quarter, an eighth and
// a sixteenth; [N, 12, side, side] each.
std::vector<torch::Tensor> FilterResponses(const torch::Tensor& lab);

// What textons are made of: the responses of the two finest scales at each pixel, [N, 24, side, side], their contrast
// compressed.
torch::Tensor TextonResponses(const std::vector<torch::Tensor>& responses);
// `count` centres of k-means (20 rounds, drawn by the seed) over samples [M, 24]. Throws InputError when M < count.
torch::Tensor LearnTextons(const torch::Tensor& samples, std::int64_t count, std::uint64_t seed);
// How many pixels are nearest to each texton [K, 24]; adds up to 1.
torch::Tensor TextonHistogram(const torch::Tensor& texton_responses, const torch::Tensor& textons);

// The energy (root of even squared and odd squared) of each scale and orientation in 5 x 5 cells, and the mean colour
// of these, a hundredth of L*a*b*.
torch::Tensor Gist(const std::vector<torch::Tensor>& responses);
torch::Tensor GistColors(const torch::Tensor& lab);

// Of the lightness from 0 to 1, [S, S] on a CPU: the lengths of its line segments (model/line_segments.h) by their
// angles, in 18 bins of 10 degrees; how many are of which length, in 8 bins from 8 pixels of 256 on, each half an
// octave wide. Each adds up to 1, or is 0 where there is no line. [18], [8].
torch::Tensor LineAngles(const std::vector<LineSegment>& segments);
torch::Tensor LineLengths(const std::vector<LineSegment>& segments, std::int64_t side);

// In place of IM2GPS's geometric context, from ADE20K class ids [N, M, M]: the shares of ground, vertical things, sky
// and vegetation in 8 x 8 cells.
torch::Tensor Layout(const torch::Tensor& mask);

}  // namespace dualgeo
