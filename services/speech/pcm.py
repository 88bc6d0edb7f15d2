"""What clients send as speech: PCM of 16 kHz, 16 bit, one channel, as it is or as a WAV file around it. Pure."""

from __future__ import annotations

import struct

from services.runtime.refusal import Refusal

SAMPLE_RATE = 16_000
BYTES_PER_SECOND = SAMPLE_RATE * 2

_PCM = 1
_EXTENSIBLE = 0xFFFE
_FORMAT_SIZE = 16


def samples(content: bytes, max_seconds: int) -> bytes:
    """The bare samples. Raises Refusal: empty, cut in the middle of a sample, too long, or another format."""
    pcm = _unwrap(content) if content[:4] == b"RIFF" and content[8:12] == b"WAVE" else content
    if not pcm:
        raise Refusal("语音内容为空")
    if len(pcm) % 2:
        raise Refusal("语音数据不完整：应为 16 位采样的 PCM")
    if len(pcm) > max_seconds * BYTES_PER_SECOND:
        raise Refusal(f"语音不能超过 {max_seconds} 秒")
    return pcm


def _unwrap(wave: bytes) -> bytes:
    """The data chunk of a WAV file; a size field that promises more than there is means "to the end"."""
    position, known = 12, False
    while position + 8 <= len(wave):
        name, size = struct.unpack_from("<4sI", wave, position)
        body = wave[position + 8 : position + 8 + size]
        if name == b"fmt ":
            _check_format(body)
            known = True
        elif name == b"data":
            if not known:
                break
            return body
        position += 8 + size + size % 2
    raise Refusal("无法识别的 WAV 文件")


def _check_format(body: bytes) -> None:
    if len(body) < _FORMAT_SIZE:
        raise Refusal("无法识别的 WAV 文件")
    encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if encoding not in {_PCM, _EXTENSIBLE} or (channels, rate, bits) != (1, SAMPLE_RATE, 16):
        raise Refusal("仅支持 16 kHz、16 位、单声道的语音")
