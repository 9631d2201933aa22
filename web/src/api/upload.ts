import { ApiError } from './client';
import type { MediaAttachment } from './types';

/**
 * Sends a file; `progress` is told the share that was sent, 0 to 1. XMLHttpRequest, because fetch tells
 * nothing about what was sent. The answer's `url` is null while the server still works on it (202).
 */
export function upload(
  base: string,
  token: string,
  file: Blob & { name?: string },
  progress: (share: number) => void,
  signal?: AbortSignal,
): Promise<MediaAttachment> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append('file', file, file.name || 'pasted');
    request.open('POST', `${base}/api/v2/media`);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.responseType = 'json';
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onload = () => {
      if (request.status === 200 || request.status === 202) resolve(request.response);
      else reject(new ApiError(request.status, String(request.response?.error ?? '')));
    };
    request.onerror = () => reject(new ApiError(0, ''));
    request.onabort = () => reject(new DOMException('', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(form);
  });
}
