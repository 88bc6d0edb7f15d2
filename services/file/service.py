"""The file service as the runtime hosts it: what clients may ask for, and what other services ask on their behalf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.file import records
from services.file.shelf import READ_BUDGET, Shelf
from services.protocol import file_pb2
from services.protocol.base_pb2 import FileDownloadData, FileMessageInfo, FileUploadData
from services.runtime.context import Hosted, Runtime
from services.runtime.refusal import Refusal

_MOST_FILES = 100
# One text for both, so that an answer does not tell whether a guessed id exists.
_NOT_FOUND = "文件不存在或无权访问"


class FileService:
    name = "file"

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._shelf = Shelf(runtime, runtime.settings.integer("file", "maxFileSize"))
        self.handlers: Mapping[str, Callable[..., Any]] = {
            "GetSingleFile": self.get_single_file,
            "GetMultiFile": self.get_multi_file,
            "PutSingleFile": self.put_single_file,
            "PutMultiFile": self.put_multi_file,
            "ReadFiles": self.read_files,
            "StoreFile": self.store_file,
            "DeleteFiles": self.delete_files,
        }

    async def start(self) -> None:
        """Nothing runs in the background."""

    async def drain(self) -> None:
        """Every call is finished by the RPC layer before this."""

    async def stop(self) -> None:
        """Holds nothing of its own: the stores are the runtime's."""

    async def get_single_file(self, request: file_pb2.GetSingleFileReq) -> file_pb2.GetSingleFileRsp:
        """For who stored it and for members of a conversation in which it was sent."""
        contents = await self._read_as(request.user_id, [request.file_id])
        if request.file_id not in contents:
            raise Refusal(_NOT_FOUND)
        return file_pb2.GetSingleFileRsp(
            request_id=request.request_id,
            success=True,
            file_data=FileDownloadData(file_id=request.file_id, file_content=contents[request.file_id]),
        )

    async def get_multi_file(self, request: file_pb2.GetMultiFileReq) -> file_pb2.GetMultiFileRsp:
        """Files that are missing or not the caller's to read are left out."""
        wanted = list(dict.fromkeys(request.file_id_list))
        _check_count(len(wanted))
        contents = await self._read_as(request.user_id, wanted)
        response = file_pb2.GetMultiFileRsp(request_id=request.request_id, success=True)
        for file_id, content in contents.items():
            response.file_data[file_id].CopyFrom(FileDownloadData(file_id=file_id, file_content=content))
        return response

    async def put_single_file(self, request: file_pb2.PutSingleFileReq) -> file_pb2.PutSingleFileRsp:
        info = await self._put(request.user_id, request.request_id, 0, request.file_data)
        return file_pb2.PutSingleFileRsp(request_id=request.request_id, success=True, file_info=info)

    async def put_multi_file(self, request: file_pb2.PutMultiFileReq) -> file_pb2.PutMultiFileRsp:
        """All or, at the first one refused, a refusal; a repetition of the request keeps those stored before."""
        _check_count(len(request.file_data))
        infos = [
            await self._put(request.user_id, request.request_id, index, upload)
            for index, upload in enumerate(request.file_data)
        ]
        return file_pb2.PutMultiFileRsp(request_id=request.request_id, success=True, file_info=infos)

    async def read_files(self, request: file_pb2.ReadFilesReq) -> file_pb2.ReadFilesRsp:
        """For another service, which checked the permission. What is missing is left out."""
        wanted = list(dict.fromkeys(request.file_id))
        found = await self._runtime.database.read(lambda connection: records.by_ids(connection, wanted))
        return file_pb2.ReadFilesRsp(
            request_id=request.request_id, success=True, content=await self._shelf.contents(found)
        )

    async def store_file(self, request: file_pb2.StoreFileReq) -> file_pb2.StoreFileRsp:
        """The same user_id and request_id give the same file_id."""
        record = await self._shelf.store(request.user_id, request.file_name, request.content, request.request_id)
        return file_pb2.StoreFileRsp(
            request_id=request.request_id, success=True, file_id=record.file_id, file_size=record.file_size
        )

    async def delete_files(self, request: file_pb2.DeleteFilesReq) -> file_pb2.DeleteFilesRsp:
        await self._shelf.delete(list(dict.fromkeys(request.file_id)))
        return file_pb2.DeleteFilesRsp(request_id=request.request_id, success=True)

    async def _read_as(self, user_id: str, file_ids: list[str]) -> dict[str, bytes]:
        found = await self._runtime.database.read(lambda connection: records.readable(connection, user_id, file_ids))
        if sum(record.file_size for record in found) > READ_BUDGET and len(found) > 1:
            raise Refusal("一次请求的文件过大，请分批获取")
        return await self._shelf.contents(found)

    async def _put(self, user_id: str, request_id: str, index: int, upload: FileUploadData) -> FileMessageInfo:
        # Apart from the request ids under which transmit stores what messages carry. Clients promise nothing about the
        # request ids of uploads, so another content under a used one is another file.
        key = f"put:{index}:{request_id}" if request_id else ""
        record = await self._shelf.store(user_id, upload.file_name, upload.file_content, key, content_in_key=True)
        return FileMessageInfo(file_id=record.file_id, file_name=record.file_name, file_size=record.file_size)


def _check_count(count: int) -> None:
    if count > _MOST_FILES:
        raise Refusal(f"一次最多处理 {_MOST_FILES} 个文件")


def create(runtime: Runtime) -> Hosted:
    return FileService(runtime)
