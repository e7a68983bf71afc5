/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars*/
import $protobuf from "protobufjs/minimal.js";

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;

const $root = $protobuf.roots["leat"] || ($protobuf.roots["leat"] = {});

export const leat = $root.leat = (() => {

    const leat = {};

    leat.plugin = (function() {

        const plugin = {};

        plugin.v1 = (function() {

            const v1 = {};

            v1.DescribeRequest = (function() {

                function DescribeRequest(properties) {
                    this.capabilities = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                DescribeRequest.prototype.hostVersion = "";
                DescribeRequest.prototype.capabilities = $util.emptyArray;

                DescribeRequest.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.hostVersion != null && Object.hasOwnProperty.call(message, "hostVersion"))
                        writer.uint32(10).string(message.hostVersion);
                    if (message.capabilities != null && message.capabilities.length)
                        for (let i = 0; i < message.capabilities.length; ++i)
                            writer.uint32(18).string(message.capabilities[i]);
                    return writer;
                };

                DescribeRequest.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.DescribeRequest();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.hostVersion = reader.string();
                                break;
                            }
                        case 2: {
                                if (!(message.capabilities && message.capabilities.length))
                                    message.capabilities = [];
                                message.capabilities.push(reader.string());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return DescribeRequest;
            })();

            v1.DescribeResponse = (function() {

                function DescribeResponse(properties) {
                    this.types = [];
                    this.capabilities = [];
                    this.requires = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                DescribeResponse.prototype.name = "";
                DescribeResponse.prototype.version = "";
                DescribeResponse.prototype.sdk = "";
                DescribeResponse.prototype.types = $util.emptyArray;
                DescribeResponse.prototype.capabilities = $util.emptyArray;
                DescribeResponse.prototype.requires = $util.emptyArray;

                DescribeResponse.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.version != null && Object.hasOwnProperty.call(message, "version"))
                        writer.uint32(18).string(message.version);
                    if (message.sdk != null && Object.hasOwnProperty.call(message, "sdk"))
                        writer.uint32(26).string(message.sdk);
                    if (message.types != null && message.types.length)
                        for (let i = 0; i < message.types.length; ++i)
                            $root.leat.plugin.v1.Type.encode(message.types[i], writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.capabilities != null && message.capabilities.length)
                        for (let i = 0; i < message.capabilities.length; ++i)
                            writer.uint32(42).string(message.capabilities[i]);
                    if (message.requires != null && message.requires.length)
                        for (let i = 0; i < message.requires.length; ++i)
                            writer.uint32(50).string(message.requires[i]);
                    return writer;
                };

                DescribeResponse.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.DescribeResponse();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                message.version = reader.string();
                                break;
                            }
                        case 3: {
                                message.sdk = reader.string();
                                break;
                            }
                        case 4: {
                                if (!(message.types && message.types.length))
                                    message.types = [];
                                message.types.push($root.leat.plugin.v1.Type.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 5: {
                                if (!(message.capabilities && message.capabilities.length))
                                    message.capabilities = [];
                                message.capabilities.push(reader.string());
                                break;
                            }
                        case 6: {
                                if (!(message.requires && message.requires.length))
                                    message.requires = [];
                                message.requires.push(reader.string());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return DescribeResponse;
            })();

            v1.Type = (function() {

                function Type(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Type.prototype.name = "";
                Type.prototype.doc = "";
                Type.prototype.schema = $util.newBuffer([]);
                Type.prototype.needs = null;

                Type.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.doc != null && Object.hasOwnProperty.call(message, "doc"))
                        writer.uint32(18).string(message.doc);
                    if (message.schema != null && Object.hasOwnProperty.call(message, "schema"))
                        writer.uint32(26).bytes(message.schema);
                    if (message.needs != null && Object.hasOwnProperty.call(message, "needs"))
                        $root.leat.plugin.v1.Needs.encode(message.needs, writer.uint32(34).fork(), q + 1).ldelim();
                    return writer;
                };

                Type.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Type();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                message.doc = reader.string();
                                break;
                            }
                        case 3: {
                                message.schema = reader.bytes();
                                break;
                            }
                        case 4: {
                                message.needs = $root.leat.plugin.v1.Needs.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Type;
            })();

            v1.Needs = (function() {

                function Needs(properties) {
                    this.credentials = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Needs.prototype.request = null;
                Needs.prototype.response = null;
                Needs.prototype.answer = false;
                Needs.prototype.retry = false;
                Needs.prototype.calls = false;
                Needs.prototype.credentials = $util.emptyArray;

                Needs.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.request != null && Object.hasOwnProperty.call(message, "request"))
                        $root.leat.plugin.v1.RequestNeeds.encode(message.request, writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.response != null && Object.hasOwnProperty.call(message, "response"))
                        $root.leat.plugin.v1.ResponseNeeds.encode(message.response, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.answer != null && Object.hasOwnProperty.call(message, "answer"))
                        writer.uint32(24).bool(message.answer);
                    if (message.retry != null && Object.hasOwnProperty.call(message, "retry"))
                        writer.uint32(32).bool(message.retry);
                    if (message.calls != null && Object.hasOwnProperty.call(message, "calls"))
                        writer.uint32(40).bool(message.calls);
                    if (message.credentials != null && message.credentials.length)
                        for (let i = 0; i < message.credentials.length; ++i)
                            writer.uint32(50).string(message.credentials[i]);
                    return writer;
                };

                Needs.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Needs();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.request = $root.leat.plugin.v1.RequestNeeds.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 2: {
                                message.response = $root.leat.plugin.v1.ResponseNeeds.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.answer = reader.bool();
                                break;
                            }
                        case 4: {
                                message.retry = reader.bool();
                                break;
                            }
                        case 5: {
                                message.calls = reader.bool();
                                break;
                            }
                        case 6: {
                                if (!(message.credentials && message.credentials.length))
                                    message.credentials = [];
                                message.credentials.push(reader.string());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Needs;
            })();

            v1.RequestNeeds = (function() {

                function RequestNeeds(properties) {
                    this.headers = [];
                    this.edit = [];
                    this.call = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                RequestNeeds.prototype.headers = $util.emptyArray;
                RequestNeeds.prototype.query = false;
                RequestNeeds.prototype.body = 0;
                RequestNeeds.prototype.bodyLimit = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                RequestNeeds.prototype.edit = $util.emptyArray;
                RequestNeeds.prototype.call = $util.emptyArray;

                RequestNeeds.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            writer.uint32(10).string(message.headers[i]);
                    if (message.query != null && Object.hasOwnProperty.call(message, "query"))
                        writer.uint32(16).bool(message.query);
                    if (message.body != null && Object.hasOwnProperty.call(message, "body"))
                        writer.uint32(24).int32(message.body);
                    if (message.bodyLimit != null && Object.hasOwnProperty.call(message, "bodyLimit"))
                        writer.uint32(32).uint64(message.bodyLimit);
                    if (message.edit != null && message.edit.length)
                        for (let i = 0; i < message.edit.length; ++i)
                            writer.uint32(42).string(message.edit[i]);
                    if (message.call != null && message.call.length)
                        for (let i = 0; i < message.call.length; ++i)
                            writer.uint32(50).string(message.call[i]);
                    return writer;
                };

                RequestNeeds.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.RequestNeeds();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push(reader.string());
                                break;
                            }
                        case 2: {
                                message.query = reader.bool();
                                break;
                            }
                        case 3: {
                                message.body = reader.int32();
                                break;
                            }
                        case 4: {
                                message.bodyLimit = reader.uint64();
                                break;
                            }
                        case 5: {
                                if (!(message.edit && message.edit.length))
                                    message.edit = [];
                                message.edit.push(reader.string());
                                break;
                            }
                        case 6: {
                                if (!(message.call && message.call.length))
                                    message.call = [];
                                message.call.push(reader.string());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return RequestNeeds;
            })();

            v1.ResponseNeeds = (function() {

                function ResponseNeeds(properties) {
                    this.headers = [];
                    this.edit = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                ResponseNeeds.prototype.headers = $util.emptyArray;
                ResponseNeeds.prototype.body = 0;
                ResponseNeeds.prototype.bodyLimit = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ResponseNeeds.prototype.edit = $util.emptyArray;

                ResponseNeeds.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            writer.uint32(10).string(message.headers[i]);
                    if (message.body != null && Object.hasOwnProperty.call(message, "body"))
                        writer.uint32(16).int32(message.body);
                    if (message.bodyLimit != null && Object.hasOwnProperty.call(message, "bodyLimit"))
                        writer.uint32(24).uint64(message.bodyLimit);
                    if (message.edit != null && message.edit.length)
                        for (let i = 0; i < message.edit.length; ++i)
                            writer.uint32(34).string(message.edit[i]);
                    return writer;
                };

                ResponseNeeds.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.ResponseNeeds();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push(reader.string());
                                break;
                            }
                        case 2: {
                                message.body = reader.int32();
                                break;
                            }
                        case 3: {
                                message.bodyLimit = reader.uint64();
                                break;
                            }
                        case 4: {
                                if (!(message.edit && message.edit.length))
                                    message.edit = [];
                                message.edit.push(reader.string());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return ResponseNeeds;
            })();

            v1.BodyMode = (function() {
                const valuesById = {}, values = Object.create(valuesById);
                values[valuesById[0] = "NONE"] = 0;
                values[valuesById[1] = "DIGEST"] = 1;
                values[valuesById[2] = "FULL"] = 2;
                return values;
            })();

            v1.CheckRequest = (function() {

                function CheckRequest(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                CheckRequest.prototype.type = "";
                CheckRequest.prototype.config = $util.newBuffer([]);

                CheckRequest.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.type != null && Object.hasOwnProperty.call(message, "type"))
                        writer.uint32(10).string(message.type);
                    if (message.config != null && Object.hasOwnProperty.call(message, "config"))
                        writer.uint32(18).bytes(message.config);
                    return writer;
                };

                CheckRequest.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.CheckRequest();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.type = reader.string();
                                break;
                            }
                        case 2: {
                                message.config = reader.bytes();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return CheckRequest;
            })();

            v1.CheckResponse = (function() {

                function CheckResponse(properties) {
                    this.mistakes = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                CheckResponse.prototype.mistakes = $util.emptyArray;
                CheckResponse.prototype.needs = null;

                CheckResponse.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.mistakes != null && message.mistakes.length)
                        for (let i = 0; i < message.mistakes.length; ++i)
                            $root.leat.plugin.v1.Mistake.encode(message.mistakes[i], writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.needs != null && Object.hasOwnProperty.call(message, "needs"))
                        $root.leat.plugin.v1.Needs.encode(message.needs, writer.uint32(18).fork(), q + 1).ldelim();
                    return writer;
                };

                CheckResponse.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.CheckResponse();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.mistakes && message.mistakes.length))
                                    message.mistakes = [];
                                message.mistakes.push($root.leat.plugin.v1.Mistake.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 2: {
                                message.needs = $root.leat.plugin.v1.Needs.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return CheckResponse;
            })();

            v1.Mistake = (function() {

                function Mistake(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Mistake.prototype.path = "";
                Mistake.prototype.message = "";
                Mistake.prototype.hint = "";
                Mistake.prototype.secret = false;
                Mistake.prototype.offset = 0;
                Mistake.prototype.length = 0;

                Mistake.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.path != null && Object.hasOwnProperty.call(message, "path"))
                        writer.uint32(10).string(message.path);
                    if (message.message != null && Object.hasOwnProperty.call(message, "message"))
                        writer.uint32(18).string(message.message);
                    if (message.hint != null && Object.hasOwnProperty.call(message, "hint"))
                        writer.uint32(26).string(message.hint);
                    if (message.secret != null && Object.hasOwnProperty.call(message, "secret"))
                        writer.uint32(32).bool(message.secret);
                    if (message.offset != null && Object.hasOwnProperty.call(message, "offset"))
                        writer.uint32(40).sint32(message.offset);
                    if (message.length != null && Object.hasOwnProperty.call(message, "length"))
                        writer.uint32(48).sint32(message.length);
                    return writer;
                };

                Mistake.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Mistake();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.path = reader.string();
                                break;
                            }
                        case 2: {
                                message.message = reader.string();
                                break;
                            }
                        case 3: {
                                message.hint = reader.string();
                                break;
                            }
                        case 4: {
                                message.secret = reader.bool();
                                break;
                            }
                        case 5: {
                                message.offset = reader.sint32();
                                break;
                            }
                        case 6: {
                                message.length = reader.sint32();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Mistake;
            })();

            v1.Batch = (function() {

                function Batch(properties) {
                    this.frames = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Batch.prototype.frames = $util.emptyArray;

                Batch.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.frames != null && message.frames.length)
                        for (let i = 0; i < message.frames.length; ++i)
                            $root.leat.plugin.v1.Frame.encode(message.frames[i], writer.uint32(10).fork(), q + 1).ldelim();
                    return writer;
                };

                Batch.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Batch();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.frames && message.frames.length))
                                    message.frames = [];
                                message.frames.push($root.leat.plugin.v1.Frame.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Batch;
            })();

            v1.Frame = (function() {

                function Frame(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Frame.prototype.exchange = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Frame.prototype.open = null;
                Frame.prototype["do"] = null;
                Frame.prototype.result = null;
                Frame.prototype.awake = null;
                Frame.prototype.body = null;
                Frame.prototype.cancel = null;
                Frame.prototype.ended = null;
                Frame.prototype.close = null;
                Frame.prototype.opened = null;
                Frame.prototype.next = null;
                Frame.prototype["return"] = null;
                Frame.prototype.wait = null;
                Frame.prototype.read = null;
                Frame.prototype.drop = null;
                Frame.prototype.closed = null;
                Frame.prototype.log = null;
                Frame.prototype.draining = null;
                Frame.prototype.clock = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

                let $oneOfFields;

                Object.defineProperty(Frame.prototype, "kind", {
                    get: $util.oneOfGetter($oneOfFields = ["open", "do", "result", "awake", "body", "cancel", "ended", "close", "opened", "next", "return", "wait", "read", "drop", "closed", "log", "draining"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                Frame.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.exchange != null && Object.hasOwnProperty.call(message, "exchange"))
                        writer.uint32(8).uint64(message.exchange);
                    if (message.open != null && Object.hasOwnProperty.call(message, "open"))
                        $root.leat.plugin.v1.Open.encode(message.open, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message["do"] != null && Object.hasOwnProperty.call(message, "do"))
                        $root.leat.plugin.v1.Do.encode(message["do"], writer.uint32(26).fork(), q + 1).ldelim();
                    if (message.result != null && Object.hasOwnProperty.call(message, "result"))
                        $root.leat.plugin.v1.Result.encode(message.result, writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.awake != null && Object.hasOwnProperty.call(message, "awake"))
                        $root.leat.plugin.v1.Awake.encode(message.awake, writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.body != null && Object.hasOwnProperty.call(message, "body"))
                        $root.leat.plugin.v1.Body.encode(message.body, writer.uint32(50).fork(), q + 1).ldelim();
                    if (message.cancel != null && Object.hasOwnProperty.call(message, "cancel"))
                        $root.leat.plugin.v1.Cancel.encode(message.cancel, writer.uint32(58).fork(), q + 1).ldelim();
                    if (message.ended != null && Object.hasOwnProperty.call(message, "ended"))
                        $root.leat.plugin.v1.Ended.encode(message.ended, writer.uint32(66).fork(), q + 1).ldelim();
                    if (message.close != null && Object.hasOwnProperty.call(message, "close"))
                        $root.leat.plugin.v1.Close.encode(message.close, writer.uint32(74).fork(), q + 1).ldelim();
                    if (message.opened != null && Object.hasOwnProperty.call(message, "opened"))
                        $root.leat.plugin.v1.Opened.encode(message.opened, writer.uint32(130).fork(), q + 1).ldelim();
                    if (message.next != null && Object.hasOwnProperty.call(message, "next"))
                        $root.leat.plugin.v1.Next.encode(message.next, writer.uint32(138).fork(), q + 1).ldelim();
                    if (message["return"] != null && Object.hasOwnProperty.call(message, "return"))
                        $root.leat.plugin.v1.Return.encode(message["return"], writer.uint32(146).fork(), q + 1).ldelim();
                    if (message.wait != null && Object.hasOwnProperty.call(message, "wait"))
                        $root.leat.plugin.v1.Wait.encode(message.wait, writer.uint32(154).fork(), q + 1).ldelim();
                    if (message.read != null && Object.hasOwnProperty.call(message, "read"))
                        $root.leat.plugin.v1.Read.encode(message.read, writer.uint32(162).fork(), q + 1).ldelim();
                    if (message.drop != null && Object.hasOwnProperty.call(message, "drop"))
                        $root.leat.plugin.v1.Drop.encode(message.drop, writer.uint32(170).fork(), q + 1).ldelim();
                    if (message.closed != null && Object.hasOwnProperty.call(message, "closed"))
                        $root.leat.plugin.v1.Closed.encode(message.closed, writer.uint32(178).fork(), q + 1).ldelim();
                    if (message.log != null && Object.hasOwnProperty.call(message, "log"))
                        $root.leat.plugin.v1.Log.encode(message.log, writer.uint32(186).fork(), q + 1).ldelim();
                    if (message.draining != null && Object.hasOwnProperty.call(message, "draining"))
                        $root.leat.plugin.v1.Draining.encode(message.draining, writer.uint32(194).fork(), q + 1).ldelim();
                    if (message.clock != null && Object.hasOwnProperty.call(message, "clock"))
                        writer.uint32(240).int64(message.clock);
                    return writer;
                };

                Frame.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Frame();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.exchange = reader.uint64();
                                break;
                            }
                        case 2: {
                                message.open = $root.leat.plugin.v1.Open.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message["do"] = $root.leat.plugin.v1.Do.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 4: {
                                message.result = $root.leat.plugin.v1.Result.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 5: {
                                message.awake = $root.leat.plugin.v1.Awake.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 6: {
                                message.body = $root.leat.plugin.v1.Body.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 7: {
                                message.cancel = $root.leat.plugin.v1.Cancel.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 8: {
                                message.ended = $root.leat.plugin.v1.Ended.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 9: {
                                message.close = $root.leat.plugin.v1.Close.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 16: {
                                message.opened = $root.leat.plugin.v1.Opened.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 17: {
                                message.next = $root.leat.plugin.v1.Next.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 18: {
                                message["return"] = $root.leat.plugin.v1.Return.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 19: {
                                message.wait = $root.leat.plugin.v1.Wait.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 20: {
                                message.read = $root.leat.plugin.v1.Read.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 21: {
                                message.drop = $root.leat.plugin.v1.Drop.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 22: {
                                message.closed = $root.leat.plugin.v1.Closed.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 23: {
                                message.log = $root.leat.plugin.v1.Log.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 24: {
                                message.draining = $root.leat.plugin.v1.Draining.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 30: {
                                message.clock = reader.int64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Frame;
            })();

            v1.Open = (function() {

                function Open(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Open.prototype.instance = 0;
                Open.prototype.type = "";
                Open.prototype.config = $util.newBuffer([]);
                Open.prototype.pipeline = "";
                Open.prototype.stage = "";
                Open.prototype.credential = "";
                Open.prototype.dir = "";
                Open.prototype.granted = null;

                Open.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.instance != null && Object.hasOwnProperty.call(message, "instance"))
                        writer.uint32(8).uint32(message.instance);
                    if (message.type != null && Object.hasOwnProperty.call(message, "type"))
                        writer.uint32(18).string(message.type);
                    if (message.config != null && Object.hasOwnProperty.call(message, "config"))
                        writer.uint32(26).bytes(message.config);
                    if (message.pipeline != null && Object.hasOwnProperty.call(message, "pipeline"))
                        writer.uint32(34).string(message.pipeline);
                    if (message.stage != null && Object.hasOwnProperty.call(message, "stage"))
                        writer.uint32(42).string(message.stage);
                    if (message.credential != null && Object.hasOwnProperty.call(message, "credential"))
                        writer.uint32(50).string(message.credential);
                    if (message.dir != null && Object.hasOwnProperty.call(message, "dir"))
                        writer.uint32(58).string(message.dir);
                    if (message.granted != null && Object.hasOwnProperty.call(message, "granted"))
                        $root.leat.plugin.v1.Needs.encode(message.granted, writer.uint32(66).fork(), q + 1).ldelim();
                    return writer;
                };

                Open.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Open();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.instance = reader.uint32();
                                break;
                            }
                        case 2: {
                                message.type = reader.string();
                                break;
                            }
                        case 3: {
                                message.config = reader.bytes();
                                break;
                            }
                        case 4: {
                                message.pipeline = reader.string();
                                break;
                            }
                        case 5: {
                                message.stage = reader.string();
                                break;
                            }
                        case 6: {
                                message.credential = reader.string();
                                break;
                            }
                        case 7: {
                                message.dir = reader.string();
                                break;
                            }
                        case 8: {
                                message.granted = $root.leat.plugin.v1.Needs.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Open;
            })();

            v1.Opened = (function() {

                function Opened(properties) {
                    this.mistakes = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Opened.prototype.mistakes = $util.emptyArray;
                Opened.prototype.failure = "";
                Opened.prototype.needs = null;

                Opened.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.mistakes != null && message.mistakes.length)
                        for (let i = 0; i < message.mistakes.length; ++i)
                            $root.leat.plugin.v1.Mistake.encode(message.mistakes[i], writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.failure != null && Object.hasOwnProperty.call(message, "failure"))
                        writer.uint32(18).string(message.failure);
                    if (message.needs != null && Object.hasOwnProperty.call(message, "needs"))
                        $root.leat.plugin.v1.Needs.encode(message.needs, writer.uint32(26).fork(), q + 1).ldelim();
                    return writer;
                };

                Opened.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Opened();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.mistakes && message.mistakes.length))
                                    message.mistakes = [];
                                message.mistakes.push($root.leat.plugin.v1.Mistake.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 2: {
                                message.failure = reader.string();
                                break;
                            }
                        case 3: {
                                message.needs = $root.leat.plugin.v1.Needs.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Opened;
            })();

            v1.Close = (function() {

                function Close(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Close.prototype.instance = 0;

                Close.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.instance != null && Object.hasOwnProperty.call(message, "instance"))
                        writer.uint32(8).uint32(message.instance);
                    return writer;
                };

                Close.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Close();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.instance = reader.uint32();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Close;
            })();

            v1.Closed = (function() {

                function Closed(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Closed.prototype.failure = "";

                Closed.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.failure != null && Object.hasOwnProperty.call(message, "failure"))
                        writer.uint32(10).string(message.failure);
                    return writer;
                };

                Closed.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Closed();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.failure = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Closed;
            })();

            v1.Do = (function() {

                function Do(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Do.prototype.instance = 0;
                Do.prototype.request = null;
                Do.prototype.call = null;
                Do.prototype.result = null;
                Do.prototype.traceparent = "";
                Do.prototype.recording = false;
                Do.prototype.logLevel = 0;
                Do.prototype.timeout = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Do.prototype.deadline = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

                Do.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.instance != null && Object.hasOwnProperty.call(message, "instance"))
                        writer.uint32(8).uint32(message.instance);
                    if (message.request != null && Object.hasOwnProperty.call(message, "request"))
                        $root.leat.plugin.v1.Request.encode(message.request, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.call != null && Object.hasOwnProperty.call(message, "call"))
                        $root.leat.plugin.v1.Call.encode(message.call, writer.uint32(26).fork(), q + 1).ldelim();
                    if (message.result != null && Object.hasOwnProperty.call(message, "result"))
                        $root.leat.plugin.v1.Result.encode(message.result, writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.traceparent != null && Object.hasOwnProperty.call(message, "traceparent"))
                        writer.uint32(42).string(message.traceparent);
                    if (message.recording != null && Object.hasOwnProperty.call(message, "recording"))
                        writer.uint32(48).bool(message.recording);
                    if (message.logLevel != null && Object.hasOwnProperty.call(message, "logLevel"))
                        writer.uint32(56).sint32(message.logLevel);
                    if (message.timeout != null && Object.hasOwnProperty.call(message, "timeout"))
                        writer.uint32(64).int64(message.timeout);
                    if (message.deadline != null && Object.hasOwnProperty.call(message, "deadline"))
                        writer.uint32(72).int64(message.deadline);
                    return writer;
                };

                Do.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Do();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.instance = reader.uint32();
                                break;
                            }
                        case 2: {
                                message.request = $root.leat.plugin.v1.Request.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.call = $root.leat.plugin.v1.Call.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 4: {
                                message.result = $root.leat.plugin.v1.Result.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 5: {
                                message.traceparent = reader.string();
                                break;
                            }
                        case 6: {
                                message.recording = reader.bool();
                                break;
                            }
                        case 7: {
                                message.logLevel = reader.sint32();
                                break;
                            }
                        case 8: {
                                message.timeout = reader.int64();
                                break;
                            }
                        case 9: {
                                message.deadline = reader.int64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Do;
            })();

            v1.Request = (function() {

                function Request(properties) {
                    this.headers = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Request.prototype.method = "";
                Request.prototype.url = "";
                Request.prototype.host = "";
                Request.prototype.headers = $util.emptyArray;
                Request.prototype.length = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Request.prototype.sha256 = $util.newBuffer([]);
                Request.prototype.body = null;
                Request.prototype.replayable = false;

                Request.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.method != null && Object.hasOwnProperty.call(message, "method"))
                        writer.uint32(10).string(message.method);
                    if (message.url != null && Object.hasOwnProperty.call(message, "url"))
                        writer.uint32(18).string(message.url);
                    if (message.host != null && Object.hasOwnProperty.call(message, "host"))
                        writer.uint32(26).string(message.host);
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            $root.leat.plugin.v1.Header.encode(message.headers[i], writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.length != null && Object.hasOwnProperty.call(message, "length"))
                        writer.uint32(40).int64(message.length);
                    if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                        writer.uint32(50).bytes(message.sha256);
                    if (message.body != null && Object.hasOwnProperty.call(message, "body"))
                        $root.leat.plugin.v1.Body.encode(message.body, writer.uint32(58).fork(), q + 1).ldelim();
                    if (message.replayable != null && Object.hasOwnProperty.call(message, "replayable"))
                        writer.uint32(64).bool(message.replayable);
                    return writer;
                };

                Request.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Request();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.method = reader.string();
                                break;
                            }
                        case 2: {
                                message.url = reader.string();
                                break;
                            }
                        case 3: {
                                message.host = reader.string();
                                break;
                            }
                        case 4: {
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push($root.leat.plugin.v1.Header.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 5: {
                                message.length = reader.int64();
                                break;
                            }
                        case 6: {
                                message.sha256 = reader.bytes();
                                break;
                            }
                        case 7: {
                                message.body = $root.leat.plugin.v1.Body.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 8: {
                                message.replayable = reader.bool();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Request;
            })();

            v1.Header = (function() {

                function Header(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Header.prototype.name = "";
                Header.prototype.value = $util.newBuffer([]);

                Header.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.value != null && Object.hasOwnProperty.call(message, "value"))
                        writer.uint32(18).bytes(message.value);
                    return writer;
                };

                Header.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Header();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                message.value = reader.bytes();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Header;
            })();

            v1.Body = (function() {

                function Body(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Body.prototype.data = $util.newBuffer([]);
                Body.prototype.apart = false;
                Body.prototype.length = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Body.prototype.more = false;
                Body.prototype.sha256 = $util.newBuffer([]);
                Body.prototype.error = null;

                Body.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.data != null && Object.hasOwnProperty.call(message, "data"))
                        writer.uint32(10).bytes(message.data);
                    if (message.apart != null && Object.hasOwnProperty.call(message, "apart"))
                        writer.uint32(16).bool(message.apart);
                    if (message.length != null && Object.hasOwnProperty.call(message, "length"))
                        writer.uint32(24).uint64(message.length);
                    if (message.more != null && Object.hasOwnProperty.call(message, "more"))
                        writer.uint32(32).bool(message.more);
                    if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                        writer.uint32(42).bytes(message.sha256);
                    if (message.error != null && Object.hasOwnProperty.call(message, "error"))
                        $root.leat.plugin.v1.Error.encode(message.error, writer.uint32(50).fork(), q + 1).ldelim();
                    return writer;
                };

                Body.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Body();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.data = reader.bytes();
                                break;
                            }
                        case 2: {
                                message.apart = reader.bool();
                                break;
                            }
                        case 3: {
                                message.length = reader.uint64();
                                break;
                            }
                        case 4: {
                                message.more = reader.bool();
                                break;
                            }
                        case 5: {
                                message.sha256 = reader.bytes();
                                break;
                            }
                        case 6: {
                                message.error = $root.leat.plugin.v1.Error.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Body;
            })();

            v1.Call = (function() {

                function Call(properties) {
                    this.labels = {};
                    this.serving = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Call.prototype.pipeline = "";
                Call.prototype.subject = "";
                Call.prototype.operation = "";
                Call.prototype.labels = $util.emptyObject;
                Call.prototype.idempotencyKey = "";
                Call.prototype.idempotent = false;
                Call.prototype.noRetry = false;
                Call.prototype.skipAuth = false;
                Call.prototype.retryOwned = false;
                Call.prototype.observed = false;
                Call.prototype.hop = 0;
                Call.prototype.serving = $util.emptyArray;
                Call.prototype.bound = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Call.prototype.attempts = 0;
                Call.prototype.sends = 0;
                Call.prototype.transportResends = 0;
                Call.prototype.elapsed = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Call.prototype.waiting = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Call.prototype.upstream = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Call.prototype.outcome = null;
                Call.prototype.stopReason = "";

                Call.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.pipeline != null && Object.hasOwnProperty.call(message, "pipeline"))
                        writer.uint32(10).string(message.pipeline);
                    if (message.subject != null && Object.hasOwnProperty.call(message, "subject"))
                        writer.uint32(18).string(message.subject);
                    if (message.operation != null && Object.hasOwnProperty.call(message, "operation"))
                        writer.uint32(26).string(message.operation);
                    if (message.labels != null && Object.hasOwnProperty.call(message, "labels"))
                        for (let keys = Object.keys(message.labels), i = 0; i < keys.length; ++i)
                            writer.uint32(34).fork().uint32(10).string(keys[i]).uint32(18).string(message.labels[keys[i]]).ldelim();
                    if (message.idempotencyKey != null && Object.hasOwnProperty.call(message, "idempotencyKey"))
                        writer.uint32(42).string(message.idempotencyKey);
                    if (message.idempotent != null && Object.hasOwnProperty.call(message, "idempotent"))
                        writer.uint32(48).bool(message.idempotent);
                    if (message.noRetry != null && Object.hasOwnProperty.call(message, "noRetry"))
                        writer.uint32(56).bool(message.noRetry);
                    if (message.skipAuth != null && Object.hasOwnProperty.call(message, "skipAuth"))
                        writer.uint32(64).bool(message.skipAuth);
                    if (message.retryOwned != null && Object.hasOwnProperty.call(message, "retryOwned"))
                        writer.uint32(72).bool(message.retryOwned);
                    if (message.observed != null && Object.hasOwnProperty.call(message, "observed"))
                        writer.uint32(80).bool(message.observed);
                    if (message.hop != null && Object.hasOwnProperty.call(message, "hop"))
                        writer.uint32(88).uint32(message.hop);
                    if (message.serving != null && message.serving.length)
                        for (let i = 0; i < message.serving.length; ++i)
                            writer.uint32(98).string(message.serving[i]);
                    if (message.bound != null && Object.hasOwnProperty.call(message, "bound"))
                        writer.uint32(104).int64(message.bound);
                    if (message.attempts != null && Object.hasOwnProperty.call(message, "attempts"))
                        writer.uint32(112).uint32(message.attempts);
                    if (message.sends != null && Object.hasOwnProperty.call(message, "sends"))
                        writer.uint32(120).uint32(message.sends);
                    if (message.transportResends != null && Object.hasOwnProperty.call(message, "transportResends"))
                        writer.uint32(128).uint32(message.transportResends);
                    if (message.elapsed != null && Object.hasOwnProperty.call(message, "elapsed"))
                        writer.uint32(136).int64(message.elapsed);
                    if (message.waiting != null && Object.hasOwnProperty.call(message, "waiting"))
                        writer.uint32(144).int64(message.waiting);
                    if (message.upstream != null && Object.hasOwnProperty.call(message, "upstream"))
                        writer.uint32(152).int64(message.upstream);
                    if (message.outcome != null && Object.hasOwnProperty.call(message, "outcome"))
                        $root.leat.plugin.v1.Outcome.encode(message.outcome, writer.uint32(162).fork(), q + 1).ldelim();
                    if (message.stopReason != null && Object.hasOwnProperty.call(message, "stopReason"))
                        writer.uint32(170).string(message.stopReason);
                    return writer;
                };

                Call.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message, key, value;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Call();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.pipeline = reader.string();
                                break;
                            }
                        case 2: {
                                message.subject = reader.string();
                                break;
                            }
                        case 3: {
                                message.operation = reader.string();
                                break;
                            }
                        case 4: {
                                if (message.labels === $util.emptyObject)
                                    message.labels = {};
                                let end2 = reader.uint32() + reader.pos;
                                if (end2 > reader.len)
                                    throw RangeError("index out of range");
                                reader.len = end2;
                                key = "";
                                value = "";
                                while (reader.pos < end2) {
                                    let tag2 = reader.uint32();
                                    switch (tag2 >>> 3) {
                                    case 1:
                                        key = reader.string();
                                        break;
                                    case 2:
                                        value = reader.string();
                                        break;
                                    default:
                                        reader.skipType(tag2 & 7, long);
                                        break;
                                    }
                                }
                                if (reader.pos !== end2)
                                    throw RangeError("index out of range");
                                reader.len = end;
                                if (key === "__proto__")
                                    $util.makeProp(message.labels, key);
                                message.labels[key] = value;
                                break;
                            }
                        case 5: {
                                message.idempotencyKey = reader.string();
                                break;
                            }
                        case 6: {
                                message.idempotent = reader.bool();
                                break;
                            }
                        case 7: {
                                message.noRetry = reader.bool();
                                break;
                            }
                        case 8: {
                                message.skipAuth = reader.bool();
                                break;
                            }
                        case 9: {
                                message.retryOwned = reader.bool();
                                break;
                            }
                        case 10: {
                                message.observed = reader.bool();
                                break;
                            }
                        case 11: {
                                message.hop = reader.uint32();
                                break;
                            }
                        case 12: {
                                if (!(message.serving && message.serving.length))
                                    message.serving = [];
                                message.serving.push(reader.string());
                                break;
                            }
                        case 13: {
                                message.bound = reader.int64();
                                break;
                            }
                        case 14: {
                                message.attempts = reader.uint32();
                                break;
                            }
                        case 15: {
                                message.sends = reader.uint32();
                                break;
                            }
                        case 16: {
                                message.transportResends = reader.uint32();
                                break;
                            }
                        case 17: {
                                message.elapsed = reader.int64();
                                break;
                            }
                        case 18: {
                                message.waiting = reader.int64();
                                break;
                            }
                        case 19: {
                                message.upstream = reader.int64();
                                break;
                            }
                        case 20: {
                                message.outcome = $root.leat.plugin.v1.Outcome.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 21: {
                                message.stopReason = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Call;
            })();

            v1.Outcome = (function() {

                function Outcome(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Outcome.prototype.kind = "";
                Outcome.prototype["class"] = "";
                Outcome.prototype.message = "";
                Outcome.prototype.problemType = "";
                Outcome.prototype.status = 0;

                Outcome.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.kind != null && Object.hasOwnProperty.call(message, "kind"))
                        writer.uint32(10).string(message.kind);
                    if (message["class"] != null && Object.hasOwnProperty.call(message, "class"))
                        writer.uint32(18).string(message["class"]);
                    if (message.message != null && Object.hasOwnProperty.call(message, "message"))
                        writer.uint32(26).string(message.message);
                    if (message.problemType != null && Object.hasOwnProperty.call(message, "problemType"))
                        writer.uint32(34).string(message.problemType);
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(40).uint32(message.status);
                    return writer;
                };

                Outcome.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Outcome();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.kind = reader.string();
                                break;
                            }
                        case 2: {
                                message["class"] = reader.string();
                                break;
                            }
                        case 3: {
                                message.message = reader.string();
                                break;
                            }
                        case 4: {
                                message.problemType = reader.string();
                                break;
                            }
                        case 5: {
                                message.status = reader.uint32();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Outcome;
            })();

            v1.Next = (function() {

                function Next(properties) {
                    this.spans = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Next.prototype.edits = null;
                Next.prototype.last = false;
                Next.prototype.changes = null;
                Next.prototype.spans = $util.emptyArray;
                Next.prototype.span = null;

                Next.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.edits != null && Object.hasOwnProperty.call(message, "edits"))
                        $root.leat.plugin.v1.Edits.encode(message.edits, writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.last != null && Object.hasOwnProperty.call(message, "last"))
                        writer.uint32(16).bool(message.last);
                    if (message.changes != null && Object.hasOwnProperty.call(message, "changes"))
                        $root.leat.plugin.v1.Changes.encode(message.changes, writer.uint32(26).fork(), q + 1).ldelim();
                    if (message.spans != null && message.spans.length)
                        for (let i = 0; i < message.spans.length; ++i)
                            $root.leat.plugin.v1.Span.encode(message.spans[i], writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.span != null && Object.hasOwnProperty.call(message, "span"))
                        $root.leat.plugin.v1.SpanData.encode(message.span, writer.uint32(42).fork(), q + 1).ldelim();
                    return writer;
                };

                Next.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Next();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.edits = $root.leat.plugin.v1.Edits.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 2: {
                                message.last = reader.bool();
                                break;
                            }
                        case 3: {
                                message.changes = $root.leat.plugin.v1.Changes.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 4: {
                                if (!(message.spans && message.spans.length))
                                    message.spans = [];
                                message.spans.push($root.leat.plugin.v1.Span.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 5: {
                                message.span = $root.leat.plugin.v1.SpanData.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Next;
            })();

            v1.Result = (function() {

                function Result(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Result.prototype.response = null;
                Result.prototype.error = null;
                Result.prototype.call = null;
                Result.prototype.replayable = false;
                Result.prototype.ended = "";

                Result.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.response != null && Object.hasOwnProperty.call(message, "response"))
                        $root.leat.plugin.v1.Response.encode(message.response, writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.error != null && Object.hasOwnProperty.call(message, "error"))
                        $root.leat.plugin.v1.Error.encode(message.error, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.call != null && Object.hasOwnProperty.call(message, "call"))
                        $root.leat.plugin.v1.Call.encode(message.call, writer.uint32(26).fork(), q + 1).ldelim();
                    if (message.replayable != null && Object.hasOwnProperty.call(message, "replayable"))
                        writer.uint32(32).bool(message.replayable);
                    if (message.ended != null && Object.hasOwnProperty.call(message, "ended"))
                        writer.uint32(42).string(message.ended);
                    return writer;
                };

                Result.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Result();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.response = $root.leat.plugin.v1.Response.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 2: {
                                message.error = $root.leat.plugin.v1.Error.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.call = $root.leat.plugin.v1.Call.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 4: {
                                message.replayable = reader.bool();
                                break;
                            }
                        case 5: {
                                message.ended = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Result;
            })();

            v1.Response = (function() {

                function Response(properties) {
                    this.headers = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Response.prototype.status = 0;
                Response.prototype.headers = $util.emptyArray;
                Response.prototype.length = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Response.prototype.proto = "";
                Response.prototype.stream = false;
                Response.prototype.sha256 = $util.newBuffer([]);
                Response.prototype.body = null;

                Response.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(8).uint32(message.status);
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            $root.leat.plugin.v1.Header.encode(message.headers[i], writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.length != null && Object.hasOwnProperty.call(message, "length"))
                        writer.uint32(24).int64(message.length);
                    if (message.proto != null && Object.hasOwnProperty.call(message, "proto"))
                        writer.uint32(34).string(message.proto);
                    if (message.stream != null && Object.hasOwnProperty.call(message, "stream"))
                        writer.uint32(40).bool(message.stream);
                    if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                        writer.uint32(50).bytes(message.sha256);
                    if (message.body != null && Object.hasOwnProperty.call(message, "body"))
                        $root.leat.plugin.v1.Body.encode(message.body, writer.uint32(58).fork(), q + 1).ldelim();
                    return writer;
                };

                Response.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Response();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.status = reader.uint32();
                                break;
                            }
                        case 2: {
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push($root.leat.plugin.v1.Header.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 3: {
                                message.length = reader.int64();
                                break;
                            }
                        case 4: {
                                message.proto = reader.string();
                                break;
                            }
                        case 5: {
                                message.stream = reader.bool();
                                break;
                            }
                        case 6: {
                                message.sha256 = reader.bytes();
                                break;
                            }
                        case 7: {
                                message.body = $root.leat.plugin.v1.Body.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Response;
            })();

            v1.Error = (function() {

                function Error(properties) {
                    this.headers = [];
                    this.violations = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Error.prototype.kind = "";
                Error.prototype["class"] = "";
                Error.prototype.reason = "";
                Error.prototype.message = "";
                Error.prototype.stage = "";
                Error.prototype.status = 0;
                Error.prototype.headers = $util.emptyArray;
                Error.prototype.problemType = "";
                Error.prototype.violations = $util.emptyArray;
                Error.prototype.retryAfter = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Error.prototype.ofResult = false;
                Error.prototype.panic = false;
                Error.prototype.ofBody = false;
                Error.prototype.truncated = false;

                Error.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.kind != null && Object.hasOwnProperty.call(message, "kind"))
                        writer.uint32(10).string(message.kind);
                    if (message["class"] != null && Object.hasOwnProperty.call(message, "class"))
                        writer.uint32(18).string(message["class"]);
                    if (message.reason != null && Object.hasOwnProperty.call(message, "reason"))
                        writer.uint32(26).string(message.reason);
                    if (message.message != null && Object.hasOwnProperty.call(message, "message"))
                        writer.uint32(34).string(message.message);
                    if (message.stage != null && Object.hasOwnProperty.call(message, "stage"))
                        writer.uint32(42).string(message.stage);
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(48).uint32(message.status);
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            $root.leat.plugin.v1.Header.encode(message.headers[i], writer.uint32(58).fork(), q + 1).ldelim();
                    if (message.problemType != null && Object.hasOwnProperty.call(message, "problemType"))
                        writer.uint32(66).string(message.problemType);
                    if (message.violations != null && message.violations.length)
                        for (let i = 0; i < message.violations.length; ++i)
                            writer.uint32(74).string(message.violations[i]);
                    if (message.retryAfter != null && Object.hasOwnProperty.call(message, "retryAfter"))
                        writer.uint32(80).int64(message.retryAfter);
                    if (message.ofResult != null && Object.hasOwnProperty.call(message, "ofResult"))
                        writer.uint32(88).bool(message.ofResult);
                    if (message.panic != null && Object.hasOwnProperty.call(message, "panic"))
                        writer.uint32(96).bool(message.panic);
                    if (message.ofBody != null && Object.hasOwnProperty.call(message, "ofBody"))
                        writer.uint32(104).bool(message.ofBody);
                    if (message.truncated != null && Object.hasOwnProperty.call(message, "truncated"))
                        writer.uint32(112).bool(message.truncated);
                    return writer;
                };

                Error.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Error();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.kind = reader.string();
                                break;
                            }
                        case 2: {
                                message["class"] = reader.string();
                                break;
                            }
                        case 3: {
                                message.reason = reader.string();
                                break;
                            }
                        case 4: {
                                message.message = reader.string();
                                break;
                            }
                        case 5: {
                                message.stage = reader.string();
                                break;
                            }
                        case 6: {
                                message.status = reader.uint32();
                                break;
                            }
                        case 7: {
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push($root.leat.plugin.v1.Header.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 8: {
                                message.problemType = reader.string();
                                break;
                            }
                        case 9: {
                                if (!(message.violations && message.violations.length))
                                    message.violations = [];
                                message.violations.push(reader.string());
                                break;
                            }
                        case 10: {
                                message.retryAfter = reader.int64();
                                break;
                            }
                        case 11: {
                                message.ofResult = reader.bool();
                                break;
                            }
                        case 12: {
                                message.panic = reader.bool();
                                break;
                            }
                        case 13: {
                                message.ofBody = reader.bool();
                                break;
                            }
                        case 14: {
                                message.truncated = reader.bool();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Error;
            })();

            v1.Return = (function() {

                function Return(properties) {
                    this.spans = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Return.prototype.edits = null;
                Return.prototype.response = null;
                Return.prototype.error = null;
                Return.prototype.changes = null;
                Return.prototype.spans = $util.emptyArray;
                Return.prototype.span = null;

                Return.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.edits != null && Object.hasOwnProperty.call(message, "edits"))
                        $root.leat.plugin.v1.Edits.encode(message.edits, writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.response != null && Object.hasOwnProperty.call(message, "response"))
                        $root.leat.plugin.v1.Response.encode(message.response, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.error != null && Object.hasOwnProperty.call(message, "error"))
                        $root.leat.plugin.v1.Error.encode(message.error, writer.uint32(26).fork(), q + 1).ldelim();
                    if (message.changes != null && Object.hasOwnProperty.call(message, "changes"))
                        $root.leat.plugin.v1.Changes.encode(message.changes, writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.spans != null && message.spans.length)
                        for (let i = 0; i < message.spans.length; ++i)
                            $root.leat.plugin.v1.Span.encode(message.spans[i], writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.span != null && Object.hasOwnProperty.call(message, "span"))
                        $root.leat.plugin.v1.SpanData.encode(message.span, writer.uint32(50).fork(), q + 1).ldelim();
                    return writer;
                };

                Return.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Return();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.edits = $root.leat.plugin.v1.Edits.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 2: {
                                message.response = $root.leat.plugin.v1.Response.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.error = $root.leat.plugin.v1.Error.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 4: {
                                message.changes = $root.leat.plugin.v1.Changes.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 5: {
                                if (!(message.spans && message.spans.length))
                                    message.spans = [];
                                message.spans.push($root.leat.plugin.v1.Span.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 6: {
                                message.span = $root.leat.plugin.v1.SpanData.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Return;
            })();

            v1.Edits = (function() {

                function Edits(properties) {
                    this.headers = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Edits.prototype.method = null;
                Edits.prototype.url = null;
                Edits.prototype.host = null;
                Edits.prototype.status = null;
                Edits.prototype.headers = $util.emptyArray;
                Edits.prototype.body = null;

                let $oneOfFields;

                // Virtual OneOf for proto3 optional field
                Object.defineProperty(Edits.prototype, "_method", {
                    get: $util.oneOfGetter($oneOfFields = ["method"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                // Virtual OneOf for proto3 optional field
                Object.defineProperty(Edits.prototype, "_url", {
                    get: $util.oneOfGetter($oneOfFields = ["url"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                // Virtual OneOf for proto3 optional field
                Object.defineProperty(Edits.prototype, "_host", {
                    get: $util.oneOfGetter($oneOfFields = ["host"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                // Virtual OneOf for proto3 optional field
                Object.defineProperty(Edits.prototype, "_status", {
                    get: $util.oneOfGetter($oneOfFields = ["status"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                Edits.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.method != null && Object.hasOwnProperty.call(message, "method"))
                        writer.uint32(10).string(message.method);
                    if (message.url != null && Object.hasOwnProperty.call(message, "url"))
                        writer.uint32(18).string(message.url);
                    if (message.host != null && Object.hasOwnProperty.call(message, "host"))
                        writer.uint32(26).string(message.host);
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(32).uint32(message.status);
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            $root.leat.plugin.v1.HeaderEdit.encode(message.headers[i], writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.body != null && Object.hasOwnProperty.call(message, "body"))
                        $root.leat.plugin.v1.Body.encode(message.body, writer.uint32(50).fork(), q + 1).ldelim();
                    return writer;
                };

                Edits.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Edits();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.method = reader.string();
                                break;
                            }
                        case 2: {
                                message.url = reader.string();
                                break;
                            }
                        case 3: {
                                message.host = reader.string();
                                break;
                            }
                        case 4: {
                                message.status = reader.uint32();
                                break;
                            }
                        case 5: {
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push($root.leat.plugin.v1.HeaderEdit.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 6: {
                                message.body = $root.leat.plugin.v1.Body.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Edits;
            })();

            v1.HeaderEdit = (function() {

                function HeaderEdit(properties) {
                    this.values = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                HeaderEdit.prototype.name = "";
                HeaderEdit.prototype.values = $util.emptyArray;

                HeaderEdit.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.values != null && message.values.length)
                        for (let i = 0; i < message.values.length; ++i)
                            writer.uint32(18).bytes(message.values[i]);
                    return writer;
                };

                HeaderEdit.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.HeaderEdit();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                if (!(message.values && message.values.length))
                                    message.values = [];
                                message.values.push(reader.bytes());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return HeaderEdit;
            })();

            v1.Changes = (function() {

                function Changes(properties) {
                    this.events = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Changes.prototype.attempts = 0;
                Changes.prototype.judged = null;
                Changes.prototype.stopped = null;
                Changes.prototype.events = $util.emptyArray;
                Changes.prototype.idempotencyKey = "";
                Changes.prototype.idempotent = false;
                Changes.prototype.attach = null;
                Changes.prototype.skipCredential = "";
                Changes.prototype.rejected = "";

                let $oneOfFields;

                // Virtual OneOf for proto3 optional field
                Object.defineProperty(Changes.prototype, "_stopped", {
                    get: $util.oneOfGetter($oneOfFields = ["stopped"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                Changes.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.attempts != null && Object.hasOwnProperty.call(message, "attempts"))
                        writer.uint32(8).uint32(message.attempts);
                    if (message.judged != null && Object.hasOwnProperty.call(message, "judged"))
                        $root.leat.plugin.v1.Outcome.encode(message.judged, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.stopped != null && Object.hasOwnProperty.call(message, "stopped"))
                        writer.uint32(26).string(message.stopped);
                    if (message.events != null && message.events.length)
                        for (let i = 0; i < message.events.length; ++i)
                            $root.leat.plugin.v1.Event.encode(message.events[i], writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.idempotencyKey != null && Object.hasOwnProperty.call(message, "idempotencyKey"))
                        writer.uint32(42).string(message.idempotencyKey);
                    if (message.idempotent != null && Object.hasOwnProperty.call(message, "idempotent"))
                        writer.uint32(48).bool(message.idempotent);
                    if (message.attach != null && Object.hasOwnProperty.call(message, "attach"))
                        $root.leat.plugin.v1.Attach.encode(message.attach, writer.uint32(58).fork(), q + 1).ldelim();
                    if (message.skipCredential != null && Object.hasOwnProperty.call(message, "skipCredential"))
                        writer.uint32(66).string(message.skipCredential);
                    if (message.rejected != null && Object.hasOwnProperty.call(message, "rejected"))
                        writer.uint32(74).string(message.rejected);
                    return writer;
                };

                Changes.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Changes();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.attempts = reader.uint32();
                                break;
                            }
                        case 2: {
                                message.judged = $root.leat.plugin.v1.Outcome.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.stopped = reader.string();
                                break;
                            }
                        case 4: {
                                if (!(message.events && message.events.length))
                                    message.events = [];
                                message.events.push($root.leat.plugin.v1.Event.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 5: {
                                message.idempotencyKey = reader.string();
                                break;
                            }
                        case 6: {
                                message.idempotent = reader.bool();
                                break;
                            }
                        case 7: {
                                message.attach = $root.leat.plugin.v1.Attach.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 8: {
                                message.skipCredential = reader.string();
                                break;
                            }
                        case 9: {
                                message.rejected = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Changes;
            })();

            v1.Attach = (function() {

                function Attach(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Attach.prototype.credential = "";
                Attach.prototype.subject = "";

                Attach.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.credential != null && Object.hasOwnProperty.call(message, "credential"))
                        writer.uint32(10).string(message.credential);
                    if (message.subject != null && Object.hasOwnProperty.call(message, "subject"))
                        writer.uint32(18).string(message.subject);
                    return writer;
                };

                Attach.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Attach();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.credential = reader.string();
                                break;
                            }
                        case 2: {
                                message.subject = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Attach;
            })();

            v1.Event = (function() {

                function Event(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Event.prototype.name = "";
                Event.prototype.at = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Event.prototype.attempt = 0;
                Event.prototype.status = 0;
                Event.prototype.duration = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Event.prototype.reason = "";
                Event.prototype.text = "";

                Event.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.at != null && Object.hasOwnProperty.call(message, "at"))
                        writer.uint32(16).int64(message.at);
                    if (message.attempt != null && Object.hasOwnProperty.call(message, "attempt"))
                        writer.uint32(24).uint32(message.attempt);
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(32).uint32(message.status);
                    if (message.duration != null && Object.hasOwnProperty.call(message, "duration"))
                        writer.uint32(40).int64(message.duration);
                    if (message.reason != null && Object.hasOwnProperty.call(message, "reason"))
                        writer.uint32(50).string(message.reason);
                    if (message.text != null && Object.hasOwnProperty.call(message, "text"))
                        writer.uint32(58).string(message.text);
                    return writer;
                };

                Event.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Event();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                message.at = reader.int64();
                                break;
                            }
                        case 3: {
                                message.attempt = reader.uint32();
                                break;
                            }
                        case 4: {
                                message.status = reader.uint32();
                                break;
                            }
                        case 5: {
                                message.duration = reader.int64();
                                break;
                            }
                        case 6: {
                                message.reason = reader.string();
                                break;
                            }
                        case 7: {
                                message.text = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Event;
            })();

            v1.Wait = (function() {

                function Wait(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Wait.prototype.duration = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Wait.prototype.changes = null;

                Wait.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.duration != null && Object.hasOwnProperty.call(message, "duration"))
                        writer.uint32(8).int64(message.duration);
                    if (message.changes != null && Object.hasOwnProperty.call(message, "changes"))
                        $root.leat.plugin.v1.Changes.encode(message.changes, writer.uint32(18).fork(), q + 1).ldelim();
                    return writer;
                };

                Wait.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Wait();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.duration = reader.int64();
                                break;
                            }
                        case 2: {
                                message.changes = $root.leat.plugin.v1.Changes.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Wait;
            })();

            v1.Awake = (function() {

                function Awake(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Awake.prototype.call = null;
                Awake.prototype.ended = "";

                Awake.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.call != null && Object.hasOwnProperty.call(message, "call"))
                        $root.leat.plugin.v1.Call.encode(message.call, writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.ended != null && Object.hasOwnProperty.call(message, "ended"))
                        writer.uint32(18).string(message.ended);
                    return writer;
                };

                Awake.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Awake();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.call = $root.leat.plugin.v1.Call.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 2: {
                                message.ended = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Awake;
            })();

            v1.Read = (function() {

                function Read(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Read.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    return writer;
                };

                Read.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Read();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Read;
            })();

            v1.Drop = (function() {

                function Drop(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Drop.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    return writer;
                };

                Drop.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Drop();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Drop;
            })();

            v1.Cancel = (function() {

                function Cancel(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Cancel.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    return writer;
                };

                Cancel.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Cancel();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Cancel;
            })();

            v1.Ended = (function() {

                function Ended(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Ended.prototype.instance = 0;
                Ended.prototype.request = null;
                Ended.prototype.call = null;
                Ended.prototype.status = 0;
                Ended.prototype.error = null;
                Ended.prototype.traceparent = "";
                Ended.prototype.logLevel = 0;

                Ended.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.instance != null && Object.hasOwnProperty.call(message, "instance"))
                        writer.uint32(8).uint32(message.instance);
                    if (message.request != null && Object.hasOwnProperty.call(message, "request"))
                        $root.leat.plugin.v1.Request.encode(message.request, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.call != null && Object.hasOwnProperty.call(message, "call"))
                        $root.leat.plugin.v1.Call.encode(message.call, writer.uint32(26).fork(), q + 1).ldelim();
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(32).uint32(message.status);
                    if (message.error != null && Object.hasOwnProperty.call(message, "error"))
                        $root.leat.plugin.v1.Error.encode(message.error, writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.traceparent != null && Object.hasOwnProperty.call(message, "traceparent"))
                        writer.uint32(50).string(message.traceparent);
                    if (message.logLevel != null && Object.hasOwnProperty.call(message, "logLevel"))
                        writer.uint32(56).sint32(message.logLevel);
                    return writer;
                };

                Ended.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Ended();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.instance = reader.uint32();
                                break;
                            }
                        case 2: {
                                message.request = $root.leat.plugin.v1.Request.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.call = $root.leat.plugin.v1.Call.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 4: {
                                message.status = reader.uint32();
                                break;
                            }
                        case 5: {
                                message.error = $root.leat.plugin.v1.Error.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 6: {
                                message.traceparent = reader.string();
                                break;
                            }
                        case 7: {
                                message.logLevel = reader.sint32();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Ended;
            })();

            v1.Draining = (function() {

                function Draining(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Draining.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    return writer;
                };

                Draining.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Draining();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Draining;
            })();

            v1.Log = (function() {

                function Log(properties) {
                    this.attributes = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Log.prototype.time = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Log.prototype.level = 0;
                Log.prototype.message = "";
                Log.prototype.attributes = $util.emptyArray;

                Log.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.time != null && Object.hasOwnProperty.call(message, "time"))
                        writer.uint32(8).int64(message.time);
                    if (message.level != null && Object.hasOwnProperty.call(message, "level"))
                        writer.uint32(16).sint32(message.level);
                    if (message.message != null && Object.hasOwnProperty.call(message, "message"))
                        writer.uint32(26).string(message.message);
                    if (message.attributes != null && message.attributes.length)
                        for (let i = 0; i < message.attributes.length; ++i)
                            $root.leat.plugin.v1.Attribute.encode(message.attributes[i], writer.uint32(34).fork(), q + 1).ldelim();
                    return writer;
                };

                Log.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Log();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.time = reader.int64();
                                break;
                            }
                        case 2: {
                                message.level = reader.sint32();
                                break;
                            }
                        case 3: {
                                message.message = reader.string();
                                break;
                            }
                        case 4: {
                                if (!(message.attributes && message.attributes.length))
                                    message.attributes = [];
                                message.attributes.push($root.leat.plugin.v1.Attribute.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Log;
            })();

            v1.Attribute = (function() {

                function Attribute(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Attribute.prototype.key = "";
                Attribute.prototype.text = null;
                Attribute.prototype.integer = null;
                Attribute.prototype.number = null;
                Attribute.prototype.flag = null;
                Attribute.prototype.duration = null;
                Attribute.prototype.time = null;
                Attribute.prototype.group = null;
                Attribute.prototype.texts = null;

                let $oneOfFields;

                Object.defineProperty(Attribute.prototype, "value", {
                    get: $util.oneOfGetter($oneOfFields = ["text", "integer", "number", "flag", "duration", "time", "group", "texts"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                Attribute.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                        writer.uint32(10).string(message.key);
                    if (message.text != null && Object.hasOwnProperty.call(message, "text"))
                        writer.uint32(18).string(message.text);
                    if (message.integer != null && Object.hasOwnProperty.call(message, "integer"))
                        writer.uint32(24).int64(message.integer);
                    if (message.number != null && Object.hasOwnProperty.call(message, "number"))
                        writer.uint32(33).double(message.number);
                    if (message.flag != null && Object.hasOwnProperty.call(message, "flag"))
                        writer.uint32(40).bool(message.flag);
                    if (message.duration != null && Object.hasOwnProperty.call(message, "duration"))
                        writer.uint32(48).int64(message.duration);
                    if (message.time != null && Object.hasOwnProperty.call(message, "time"))
                        writer.uint32(56).int64(message.time);
                    if (message.group != null && Object.hasOwnProperty.call(message, "group"))
                        $root.leat.plugin.v1.AttributeList.encode(message.group, writer.uint32(66).fork(), q + 1).ldelim();
                    if (message.texts != null && Object.hasOwnProperty.call(message, "texts"))
                        $root.leat.plugin.v1.TextList.encode(message.texts, writer.uint32(74).fork(), q + 1).ldelim();
                    return writer;
                };

                Attribute.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Attribute();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.key = reader.string();
                                break;
                            }
                        case 2: {
                                message.text = reader.string();
                                break;
                            }
                        case 3: {
                                message.integer = reader.int64();
                                break;
                            }
                        case 4: {
                                message.number = reader.double();
                                break;
                            }
                        case 5: {
                                message.flag = reader.bool();
                                break;
                            }
                        case 6: {
                                message.duration = reader.int64();
                                break;
                            }
                        case 7: {
                                message.time = reader.int64();
                                break;
                            }
                        case 8: {
                                message.group = $root.leat.plugin.v1.AttributeList.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 9: {
                                message.texts = $root.leat.plugin.v1.TextList.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Attribute;
            })();

            v1.AttributeList = (function() {

                function AttributeList(properties) {
                    this.attributes = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                AttributeList.prototype.attributes = $util.emptyArray;

                AttributeList.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.attributes != null && message.attributes.length)
                        for (let i = 0; i < message.attributes.length; ++i)
                            $root.leat.plugin.v1.Attribute.encode(message.attributes[i], writer.uint32(10).fork(), q + 1).ldelim();
                    return writer;
                };

                AttributeList.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.AttributeList();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.attributes && message.attributes.length))
                                    message.attributes = [];
                                message.attributes.push($root.leat.plugin.v1.Attribute.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return AttributeList;
            })();

            v1.TextList = (function() {

                function TextList(properties) {
                    this.texts = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                TextList.prototype.texts = $util.emptyArray;

                TextList.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.texts != null && message.texts.length)
                        for (let i = 0; i < message.texts.length; ++i)
                            writer.uint32(10).string(message.texts[i]);
                    return writer;
                };

                TextList.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.TextList();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.texts && message.texts.length))
                                    message.texts = [];
                                message.texts.push(reader.string());
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return TextList;
            })();

            v1.Span = (function() {

                function Span(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Span.prototype.name = "";
                Span.prototype.parent = 0;
                Span.prototype.start = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Span.prototype.end = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                Span.prototype.data = null;
                Span.prototype.kind = "";

                Span.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.parent != null && Object.hasOwnProperty.call(message, "parent"))
                        writer.uint32(16).uint32(message.parent);
                    if (message.start != null && Object.hasOwnProperty.call(message, "start"))
                        writer.uint32(24).int64(message.start);
                    if (message.end != null && Object.hasOwnProperty.call(message, "end"))
                        writer.uint32(32).int64(message.end);
                    if (message.data != null && Object.hasOwnProperty.call(message, "data"))
                        $root.leat.plugin.v1.SpanData.encode(message.data, writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.kind != null && Object.hasOwnProperty.call(message, "kind"))
                        writer.uint32(50).string(message.kind);
                    return writer;
                };

                Span.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Span();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                message.parent = reader.uint32();
                                break;
                            }
                        case 3: {
                                message.start = reader.int64();
                                break;
                            }
                        case 4: {
                                message.end = reader.int64();
                                break;
                            }
                        case 5: {
                                message.data = $root.leat.plugin.v1.SpanData.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 6: {
                                message.kind = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Span;
            })();

            v1.SpanData = (function() {

                function SpanData(properties) {
                    this.attributes = [];
                    this.events = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                SpanData.prototype.attributes = $util.emptyArray;
                SpanData.prototype.events = $util.emptyArray;
                SpanData.prototype.failed = false;
                SpanData.prototype.status = "";

                SpanData.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.attributes != null && message.attributes.length)
                        for (let i = 0; i < message.attributes.length; ++i)
                            $root.leat.plugin.v1.Attribute.encode(message.attributes[i], writer.uint32(10).fork(), q + 1).ldelim();
                    if (message.events != null && message.events.length)
                        for (let i = 0; i < message.events.length; ++i)
                            $root.leat.plugin.v1.SpanEvent.encode(message.events[i], writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.failed != null && Object.hasOwnProperty.call(message, "failed"))
                        writer.uint32(24).bool(message.failed);
                    if (message.status != null && Object.hasOwnProperty.call(message, "status"))
                        writer.uint32(34).string(message.status);
                    return writer;
                };

                SpanData.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.SpanData();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                if (!(message.attributes && message.attributes.length))
                                    message.attributes = [];
                                message.attributes.push($root.leat.plugin.v1.Attribute.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 2: {
                                if (!(message.events && message.events.length))
                                    message.events = [];
                                message.events.push($root.leat.plugin.v1.SpanEvent.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 3: {
                                message.failed = reader.bool();
                                break;
                            }
                        case 4: {
                                message.status = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return SpanData;
            })();

            v1.SpanEvent = (function() {

                function SpanEvent(properties) {
                    this.attributes = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                SpanEvent.prototype.name = "";
                SpanEvent.prototype.time = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                SpanEvent.prototype.attributes = $util.emptyArray;

                SpanEvent.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                        writer.uint32(10).string(message.name);
                    if (message.time != null && Object.hasOwnProperty.call(message, "time"))
                        writer.uint32(16).int64(message.time);
                    if (message.attributes != null && message.attributes.length)
                        for (let i = 0; i < message.attributes.length; ++i)
                            $root.leat.plugin.v1.Attribute.encode(message.attributes[i], writer.uint32(26).fork(), q + 1).ldelim();
                    return writer;
                };

                SpanEvent.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.SpanEvent();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.name = reader.string();
                                break;
                            }
                        case 2: {
                                message.time = reader.int64();
                                break;
                            }
                        case 3: {
                                if (!(message.attributes && message.attributes.length))
                                    message.attributes = [];
                                message.attributes.push($root.leat.plugin.v1.Attribute.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return SpanEvent;
            })();

            v1.Chunk = (function() {

                function Chunk(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Chunk.prototype.exchange = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Chunk.prototype.data = $util.newBuffer([]);
                Chunk.prototype.length = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                Chunk.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.exchange != null && Object.hasOwnProperty.call(message, "exchange"))
                        writer.uint32(8).uint64(message.exchange);
                    if (message.data != null && Object.hasOwnProperty.call(message, "data"))
                        writer.uint32(18).bytes(message.data);
                    if (message.length != null && Object.hasOwnProperty.call(message, "length"))
                        writer.uint32(24).uint64(message.length);
                    return writer;
                };

                Chunk.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.Chunk();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.exchange = reader.uint64();
                                break;
                            }
                        case 2: {
                                message.data = reader.bytes();
                                break;
                            }
                        case 3: {
                                message.length = reader.uint64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Chunk;
            })();

            v1.UploadResponse = (function() {

                function UploadResponse(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                UploadResponse.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    return writer;
                };

                UploadResponse.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.UploadResponse();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return UploadResponse;
            })();

            v1.DownloadRequest = (function() {

                function DownloadRequest(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                DownloadRequest.prototype.exchange = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                DownloadRequest.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.exchange != null && Object.hasOwnProperty.call(message, "exchange"))
                        writer.uint32(8).uint64(message.exchange);
                    return writer;
                };

                DownloadRequest.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.leat.plugin.v1.DownloadRequest();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.exchange = reader.uint64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return DownloadRequest;
            })();

            return v1;
        })();

        return plugin;
    })();

    return leat;
})();

export { $root as default };
